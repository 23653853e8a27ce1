package main

import (
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

var _ interface {
	pflag.Value
	pflag.SliceValue
} = ruleFlag{}

func TestParseRule(t *testing.T) {
	for text, want := range map[string]rule{
		"**/*.templ: templ generate": {match: []string{"**/*.templ"}, run: "templ generate"},
		"*.sql:sqlc generate && go run ./gen a:b": {
			match: []string{"*.sql"}, run: "sqlc generate && go run ./gen a:b"},
		"css = web/**/*.{css,html}, !web/dist/** ,+onchange : npx tailwindcss": {
			name: "css", match: []string{"web/**/*.{css,html}"}, ignore: []string{"web/dist/**"}, onChange: true, run: "npx tailwindcss"},
		`a\:b, c\,d: x`:      {match: []string{`a\:b`, `c\,d`}, run: "x"},
		"src/+page.svelte:x": {match: []string{"src/+page.svelte"}, run: "x"},
		"{a:b,c}.txt: x":     {match: []string{"{a:b,c}.txt"}, run: "x"},
	} {
		got, err := parseRule(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		again, err := parseRule(got.String())
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%s: %s is %+v, %v", text, got, again, err)
		}
	}
}

func TestParseRuleThatIsNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "no colon",
		"**/*.templ":        "no colon",
		": templ generate":  "no file pattern",
		"!a: templ":         "no file pattern",
		"+onchange: templ":  "no file pattern",
		"*.templ:  ":        "no command",
		"[a: templ":         `invalid pattern "[a"`,
		"*.go, !{a: gofmt}": "no colon",
	} {
		if _, err := parseRule(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestRuleOfATable(t *testing.T) {
	r := rule{match: []string{"a:b,c", "{d,e}:f", "g=h"}, run: "x"}
	again, err := parseRule(r.String())
	if want := []string{`a\:b\,c`, `{d,e}\:f`, `g\=h`}; err != nil || !reflect.DeepEqual(again.match, want) {
		t.Errorf("%s is %q, %v", r, again.match, err)
	}
}

func TestRuleTitle(t *testing.T) {
	for want, r := range map[string]rule{
		"css":            {name: "css", run: "npx tailwindcss"},
		"templ generate": {run: "templ generate"},
		"set -e...":      {run: "set -e\nmake"},
		"go run github.com/sqlc-dev/sqlc/cmd/sqlc...": {run: "go run github.com/sqlc-dev/sqlc/cmd/sqlc generate"},
	} {
		if got := r.title(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestRuleFlag(t *testing.T) {
	var rules []rule
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.Var(ruleFlag{&rules}, "rule", "")
	if err := flags.Parse([]string{"--rule=a: b", "--rule", "c=d: e"}); err != nil {
		t.Fatal(err)
	}
	if got, want := (ruleFlag{&rules}).GetSlice(), []string{"a: b", "c=d: e"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	if err := (ruleFlag{&rules}).Replace([]string{"f: g"}); err != nil || len(rules) != 1 || rules[0].run != "g" {
		t.Errorf("%+v, %v", rules, err)
	}
	if err := flags.Parse([]string{"--rule=x"}); err == nil || !strings.Contains(err.Error(), "'**/*.templ: templ generate'") {
		t.Errorf("%v", err)
	}
}

package rules

import (
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Rule{
		"**/*.templ: templ generate": {Match: []string{"**/*.templ"}, Run: "templ generate"},
		"*.sql:sqlc generate && go run ./gen a:b": {
			Match: []string{"*.sql"}, Run: "sqlc generate && go run ./gen a:b"},
		"css = web/**/*.{css,html}, !web/dist/** ,+onchange : npx tailwindcss": {
			Name: "css", Match: []string{"web/**/*.{css,html}"}, Ignore: []string{"web/dist/**"}, OnChange: true, Run: "npx tailwindcss"},
		`a\:b, c\,d: x`:      {Match: []string{`a\:b`, `c\,d`}, Run: "x"},
		"src/+page.svelte:x": {Match: []string{"src/+page.svelte"}, Run: "x"},
		"{a:b,c}.txt: x":     {Match: []string{"{a:b,c}.txt"}, Run: "x"},
	} {
		got, err := Parse(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		again, err := Parse(got.String())
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%s: %s is %+v, %v", text, got, again, err)
		}
	}
}

func TestParseReportsInvalidRules(t *testing.T) {
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
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestRuleOfATable(t *testing.T) {
	r := Rule{Match: []string{"a:b,c", "{d,e}:f", "g=h"}, Run: "x"}
	again, err := Parse(r.String())
	if want := []string{`a\:b\,c`, `{d,e}\:f`, `g\=h`}; err != nil || !reflect.DeepEqual(again.Match, want) {
		t.Errorf("%s is %q, %v", r, again.Match, err)
	}
}

func TestRuleTitle(t *testing.T) {
	for want, r := range map[string]Rule{
		"css":            {Name: "css", Run: "npx tailwindcss"},
		"templ generate": {Run: "templ generate"},
		"set -e...":      {Run: "set -e\nmake"},
		"go run github.com/sqlc-dev/sqlc/cmd/sqlc...": {Run: "go run github.com/sqlc-dev/sqlc/cmd/sqlc generate"},
	} {
		if got := r.Title(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestFlag(t *testing.T) {
	var all []Rule
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	value := Value(&all)
	flags.Var(value, "rule", "")
	if err := flags.Parse([]string{"--rule=a: b", "--rule", "c=d: e"}); err != nil {
		t.Fatal(err)
	}
	list := value.(pflag.SliceValue)
	if got, want := list.GetSlice(), []string{"a: b", "c=d: e"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	if err := list.Replace([]string{"f: g"}); err != nil || len(all) != 1 || all[0].Run != "g" {
		t.Errorf("%+v, %v", all, err)
	}
	if err := flags.Parse([]string{"--rule=x"}); err == nil || !strings.Contains(err.Error(), "'**/*.templ: templ generate'") {
		t.Errorf("%v", err)
	}
}

package settings

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	"github.com/santhosh-tekuri/jsonschema/v5"
)

// A template sets nothing, and all that it shows is what holds anyway.
func TestTemplateShowsTheDefaults(t *testing.T) {
	text := newSample().Template()
	if doc, err := Parse("x", text); err != nil || len(doc.order) > 0 {
		t.Fatalf("%v, %v:\n%s", doc, err, text)
	}
	set := regexp.MustCompile(`(?m)^#([a-z-]+ = )`).ReplaceAllString(text, "$1")
	s, fresh := newSample(), newSample()
	from, err := s.fill(nil, set)
	if err != nil {
		t.Fatalf("%v:\n%s", err, set)
	}
	for _, f := range fresh.all {
		if got := s.lookup(f.Name).literal(); f.literal() != got {
			t.Errorf("%s is %s", f.Name, got)
		}
		if !f.FlagOnly != (from[f.Name].Kind == File) {
			t.Errorf("%s is in the file or not: %v", f.Name, from[f.Name])
		}
	}
}

func FuzzLiteralIsRead(f *testing.F) {
	for _, s := range []string{"", "a", `-tags "dev"`, `C:\x`, `'`, `"'`, "\n\t\r", "\x7f", "é\u2028", "<&>", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip()
		}
		s, read := newSample(), newSample()
		if err := errors.Join(s.lookup("text").set([]string{text}), s.lookup("port").set([]string{text, "2"})); err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("text = %s\nport = %s\n", s.lookup("text").literal(), s.lookup("port").literal())
		if _, err := read.fill(nil, line); err != nil || read.text != text || read.ports[0] != text {
			t.Errorf("%q was read as %q: %v", line, read.text, err)
		}
	})
}

// FuzzFile has any hotstart.toml read: what is wrong is named with its place,
// and what is right means the same when it is written down again.
func FuzzFile(f *testing.F) {
	for _, s := range []string{full, "port = 80", "prot = 80", "stop-timeout = 3", "rule = ['a: b', {match = 'a', run = 'b'}]", "[[rule]]\nmatch = [1]\nrun = 'b'", "a.b.c = 1", "port = [", "port = 9223372036854775808", "clear = 1979-05-27"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, again := newSample(), newSample()
		if _, err := s.fill(nil, text); err != nil {
			var wrong *Error
			if !errors.As(err, &wrong) || !strings.HasPrefix(wrong.Place, "hotstart.toml") {
				t.Errorf("%v of %q", err, text)
			}
			return
		}
		var lines strings.Builder
		for _, f := range s.all {
			if !f.FlagOnly {
				fmt.Fprintf(&lines, "%s = %s\n", f.Name, f.literal())
			}
		}
		if _, err := again.fill(nil, lines.String()); err != nil {
			t.Fatalf("%v of %q, written down as\n%s", err, text, &lines)
		}
		for _, f := range s.all {
			if got := again.lookup(f.Name).literal(); got != f.literal() {
				t.Errorf("%s of %q was read again as %s", f.literal(), text, got)
			}
		}
	})
}

// The schema takes what Fill takes, and nothing else.
func TestSchemaAgrees(t *testing.T) {
	schema := jsonschema.MustCompileString("schema.json", newSample().Schema())
	for _, text := range []string{
		full, "port = 80", "port = 'a'", "port = []", "clear = 'all'", "clear = false", "stop-timeout = '1h2m0.5s'", "stop-timeout = '0'",
		"[[rule]]\nmatch = 'a'\nrun = 'b'", "[[rule]]\nmatch = ['a', 'c']\nrun = 'b'\nonce = true", "rule = ['a: b', {match = 'a', run = 'b'}]",
		"prot = 80", "port = true", "port = [[1]]", "debug = 1", "stop-timeout = 3", "stop-timeout = 'x'", "config = 'x'",
		"[[rule]]\nmatch = 'a'", "[[rule]]\nmatch = 'a'\nrun = 'b'\nruns = 'b'", "[[rule]]\nmatch = [1]\nrun = 'b'", "build-flags = []", "build-flags = true",
	} {
		var value map[string]any
		if _, err := toml.Decode(text, &value); err != nil {
			t.Fatal(err)
		}
		_, err := newSample().fill(nil, text)
		invalid := schema.Validate(asJSON(value))
		if (err == nil) != (invalid == nil) {
			t.Errorf("%s\n is %v, the schema says %v", strings.TrimSpace(text), err, invalid)
		}
	}
}

// asJSON makes of what toml has decoded what encoding/json would have.
func asJSON(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			v[key] = asJSON(v[key])
		}
	case []map[string]any:
		var list []any
		for _, table := range v {
			list = append(list, asJSON(table))
		}
		return list
	case []any:
		for i := range v {
			v[i] = asJSON(v[i])
		}
	case int64:
		return float64(v)
	}
	return value
}

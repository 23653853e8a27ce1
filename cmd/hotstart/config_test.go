package main

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
)

// A value with control characters must not act on the terminal.
func TestConfigEscapesControlCharacters(t *testing.T) {
	t.Chdir(t.TempDir())
	const value = "a\x1b[2Jb\x7f\u009bc\u202e"
	t.Setenv("HOTSTART_ARGS", value)
	t.Setenv("HOTSTART_\x1b", "1")
	for _, args := range [][]string{{"config"}, {"config", "--json"}} {
		var out strings.Builder
		if code := run(args, &out, &out); code != cli.OK {
			t.Fatalf("%q: exit code %d: %s", args, code, &out)
		}
		for _, r := range out.String() {
			if r != '\n' && unicode.In(r, unicode.Cc, unicode.Bidi_Control) {
				t.Fatalf("%q prints %q:\n%q", args, r, &out)
			}
		}
		if len(args) == 1 {
			continue
		}
		var shown struct {
			Settings []struct {
				Name  string
				Value any
			}
		}
		if err := json.Unmarshal([]byte(out.String()), &shown); err != nil {
			t.Fatal(err)
		}
		for _, s := range shown.Settings {
			if s.Name == "args" && s.Value.([]any)[0] != value {
				t.Errorf("args is %q", s.Value)
			}
		}
	}
}

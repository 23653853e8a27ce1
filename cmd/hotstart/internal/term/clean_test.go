package term

import (
	"testing"
)

func TestClean(t *testing.T) {
	for _, test := range [][3]string{
		{"main.go", "main.go", "main.go"},
		{"größe 日本 😀 é", "größe 日本 😀 é", "größe 日本 😀 é"},
		{"a\tb\nc", "a\tb\nc", `a\x09b\x0ac`},
		{"\x1b]0;owned\a\x1b[2J", `\x1b]0;owned\x07\x1b[2J`, `\x1b]0;owned\x07\x1b[2J`},
		{"a\rb\x7f\x00", `a\x0db\x7f\x00`, `a\x0db\x7f\x00`},
		{"\u009b2J\u009d0;x\u009c", `\u009b2J\u009d0;x\u009c`, `\u009b2J\u009d0;x\u009c`},
		{"\x9b2J\xff", `\x9b2J\xff`, `\x9b2J\xff`},
		{"a\u202eog.b", `a\u202eog.b`, `a\u202eog.b`},
		{"\ufffd", "\ufffd", "\ufffd"},
	} {
		if got := Clean(test[0]); got != test[1] {
			t.Errorf("clean(%q) is %q, want %q", test[0], got, test[1])
		}
		if got := CleanLine(test[0]); got != test[2] {
			t.Errorf("cleanLine(%q) is %q, want %q", test[0], got, test[2])
		}
	}
}

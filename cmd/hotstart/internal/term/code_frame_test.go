package term

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFrame(t *testing.T) {
	for _, test := range []struct {
		name, line string
		column     int
		cells      int
		want       string
	}{
		{"the caret is below the column", "x := y", 6, 40, "x := y\n     ^"},
		{"the first column", "x := y", 1, 40, "x := y\n^"},
		{"a tab is four cells", "\t\tfoo(bar)", 7, 40, "        foo(bar)\n            ^"},
		{"a tab within the line", "a\tb", 3, 40, "a    b\n     ^"},
		{"the column counts bytes", "é := y", 7, 40, "é := y\n     ^"},
		{"a wide character takes two cells", `"日本" + y`, 12, 40, "\"日本\" + y\n         ^"},
		{"a mark takes none", "e\u0301 := y", 8, 40, "e\u0301 := y\n     ^"},
		{"the end of the line", "foo(", 5, 40, "foo(\n    ^"},
		{"a column within a character", "é", 2, 40, "é\n"},
		{"no such column", "foo", 9, 40, "foo\n"},
		{"no column", "foo", 0, 40, "foo\n"},
		{"what would move the cursor is left out", "a\x1b[2J\rb", 7, 40, "a[2Jb\n    ^"},
		{"an empty line", "", 1, 40, "\n^"},
		{"a long line ends early", "0123456789abcdef", 3, 10, "0123456789...\n  ^"},
		{"a long line is shown where the caret is", "0123456789abcdefghijklmnop", 21, 10, "...efghijklmn...\n         ^"},
	} {
		t.Run(test.name, func(t *testing.T) {
			source, caret := Frame(test.line, test.column, test.cells)
			if got := source + "\n" + caret; got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func FuzzFrame(f *testing.F) {
	f.Add("\tfoo(日本)", 4, 20)
	f.Fuzz(func(t *testing.T, line string, column, cells int) {
		if cells < 10 || cells > 1000 || strings.Contains(line, "\n") {
			return
		}
		source, caret := Frame(line, column, cells)
		if strings.ContainsAny(source, "\n\r\x1b\t") {
			t.Errorf("%q moves the cursor", source)
		}
		if n := utf8.RuneCountInString(caret); n > cells+4 {
			t.Errorf("the caret is at %d of %d", n, cells)
		}
		if caret != "" && (column < 1 || column > len(line)+1) {
			t.Errorf("a caret below column %d of %q", column, line)
		}
	})
}

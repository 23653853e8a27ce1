package change

import (
	"slices"
	"testing"
)

func TestOnlyStyles(t *testing.T) {
	first := Edits{}.Then([]string{"a.go"})
	a := first.Then([]string{"b.css", "a.css"})
	b := a.Then([]string{"c.css", "a.css"})
	code := b.Then([]string{"d.css", "a.go"})
	for _, test := range []struct {
		name        string
		newer, than Edits
		want        []string
	}{
		{"one edit", a, first, []string{"a.css", "b.css"}},
		{"two edits", b, first, []string{"a.css", "b.css", "c.css"}},
		{"one of two edits", b, a, []string{"a.css", "b.css", "c.css"}},
		{"an edit of code", code, b, nil},
		{"an older program again", b, code, nil},
		{"an edit for another reason", b.Then(nil), b, nil},
		{"an edit after code", code.Then([]string{"e.css"}), code, []string{"e.css"}},
		{"an edit over code", code.Then([]string{"e.css"}), b, nil},
	} {
		if got := test.newer.OnlyStyles(test.than); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

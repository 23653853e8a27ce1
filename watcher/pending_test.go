package watcher

import (
	"slices"
	"testing"
)

func TestPending(t *testing.T) {
	t.Parallel()
	none, one, two := content{}, content{exists: true}, content{exists: true, sum: [32]byte{1}}
	for _, test := range []struct {
		name    string
		changes []content // of one file, from one to the next
		want    bool
	}{
		{"a change is pending", []content{one, two}, true},
		{"a new file is pending", []content{none, one}, true},
		{"a removed file is pending", []content{one, none}, true},
		{"changing back is nothing to tell", []content{one, two, one}, false},
		{"removing and making again the same is nothing to tell", []content{one, none, one}, false},
		{"making and removing is nothing to tell", []content{none, one, none}, false},
		{"changing back and forth is pending", []content{one, two, one, two}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			u := pending{before: map[string]content{}}
			for i := range test.changes[1:] {
				u.add("/f", test.changes[i], test.changes[i+1], at(i))
			}
			if got := slices.Equal(u.batch().Paths, []string{"/f"}); got != test.want {
				t.Errorf("told %v, want %v", u.batch().Paths, test.want)
			}
		})
	}
}

func TestPendingMergesUntilSent(t *testing.T) {
	t.Parallel()
	none, one := content{}, content{exists: true}
	u := pending{before: map[string]content{}}
	u.add("/b", none, one, at(2))
	u.add("/a", none, one, at(1))
	u.add("/c", none, one, at(3))
	b := u.batch()
	if !slices.Equal(b.Paths, []string{"/a", "/b", "/c"}) || !b.Since.Equal(at(1)) {
		t.Errorf("batch %v", b)
	}
	u.sent(b)
	u.add("/b", one, none, at(9)) // delivered before, and changed again
	if b := u.batch(); !slices.Equal(b.Paths, []string{"/b"}) || !b.Since.Equal(at(9)) {
		t.Errorf("batch %v after the first was sent", b)
	}
	u.keep(func(string) bool { return false })
	if b := u.batch(); len(b.Paths) > 0 {
		t.Errorf("batch %v of files that don't count any more", b)
	}
}

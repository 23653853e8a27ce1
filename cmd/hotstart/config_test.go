package main

import "testing"

func TestMoved(t *testing.T) {
	for _, c := range []struct{ p, from, want string }{
		{".", "/r/cmd/api", "./cmd/api"}, {"./x", "/r/cmd/api", "./cmd/api/x"}, {"../b", "/r/cmd/api", "./cmd/b"}, {"main.go", "/r/cmd", "./cmd/main.go"},
		{"example.com/x", "/r/cmd", "example.com/x"}, {".", "/r", "."}, {".", "/s", "../s"}, {"..", "/r/a", "."},
	} {
		if got := moved([]string{c.p}, c.from, "/r")[0]; got != c.want {
			t.Errorf("%s of %s is %s, not %s", c.p, c.from, got, c.want)
		}
	}
}

package main

import "testing"

func TestRelocate(t *testing.T) {
	for _, c := range []struct{ p, from, want string }{
		{".", "/r/cmd/api", "./cmd/api"}, {"./x", "/r/cmd/api", "./cmd/api/x"}, {"../b", "/r/cmd/api", "./cmd/b"}, {"main.go", "/r/cmd", "./cmd/main.go"},
		{"example.com/x", "/r/cmd", "example.com/x"}, {".", "/r", "."}, {".", "/s", "../s"}, {"..", "/r/a", "."},
	} {
		if got := relocate(c.p, c.from, "/r"); got != c.want {
			t.Errorf("%s of %s is %s, not %s", c.p, c.from, got, c.want)
		}
	}
}

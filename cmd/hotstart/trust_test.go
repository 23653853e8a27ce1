package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

func TestTrustIsForAPathAndItsOrders(t *testing.T) {
	trusted := trust{filepath.Join(t.TempDir(), "a", "b")}
	if !trusted.has("/x/hotstart.toml", nil) || trusted.has("/x/hotstart.toml", []string{"rule: a"}) {
		t.Fatal("what has no orders, and nothing else, needs no word")
	}
	if err := trusted.add("/x/hotstart.toml", []string{"rule: a", "rule: b"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path   string
		orders []string
		want   bool
	}{
		{"/x/hotstart.toml", []string{"rule: a", "rule: b"}, true},
		{"/y/hotstart.toml", []string{"rule: a", "rule: b"}, false},
		{"/x/hotstart.toml", []string{"rule: a"}, false},
		{"/x/hotstart.toml", []string{"rule: b", "rule: a"}, false},
		{"/x/hotstart.toml", []string{"rule: a\nrule: b"}, false},
	} {
		if got := trusted.has(c.path, c.orders); got != c.want {
			t.Errorf("%s with %q is trusted: %v", c.path, c.orders, got)
		}
	}
	info, err := os.Stat(trusted.dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestOrdersHideNothing(t *testing.T) {
	got := list([]string{"rule: echo hi", "before: rm -rf ~\r\x1b[2Kecho hi", "before: a\nb", "before: \u202eevil"})
	want := "  rule: echo hi\n" + `  "before: rm -rf ~\r\x1b[2Kecho hi"` + "\n" + `  "before: a\nb"` + "\n" + `  "before: \u202eevil"`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestOnlyYesIsYes(t *testing.T) {
	for text, want := range map[string]bool{"y\n": true, "Yes\n": true, " y ": true, "": false, "\n": false, "n\n": false, "yeah\n": false, "\ny\n": false} {
		if saysYes(iotest.OneByteReader(strings.NewReader(text))) != want {
			t.Errorf("%q is not taken as %v", text, want)
		}
	}
}

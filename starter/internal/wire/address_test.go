package wire

import (
	"net"
	"os"
	"testing"
)

func TestSameUnix(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	os.MkdirAll("real/deep", 0o777)
	os.Symlink("real/deep", "link")
	l, err := net.Listen("unix", "real/deep/sock")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	os.Symlink("real/deep/sock", "alias")
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"x.sock", "x.sock", true},
		{"x.sock", "./x.sock", true},
		{"x.sock", dir + "/x.sock", true},
		{"real/deep/new", "link/new", true},
		{"real/deep/new", dir + "//link/./new", true},
		{"real/new", "link/../new", true}, // .. of the target of the link
		{"new", "link/../new", false},
		{"real/deep/sock", "alias", true},
		{"x.sock", "y.sock", false},
		{"real/x.sock", "x.sock", false},
		{"none/x.sock", "./none/x.sock", false},
		{"", "", false}, // two without a name
		{"", "x.sock", false},
		{"@a", "@a", true},
	} {
		if got := SameUnix(test.a, test.b); got != test.want {
			t.Errorf("%q and %q are the same: %v", test.a, test.b, got)
		}
		if got := SameUnix(test.b, test.a); got != test.want {
			t.Errorf("%q and %q are the same: %v", test.b, test.a, got)
		}
	}
	if IsAbstract("@a") && SameUnix("@a", "./@a") {
		t.Error("an abstract address is taken for a path")
	}
}

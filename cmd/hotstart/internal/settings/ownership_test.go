package settings

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// otherUser is a user that owns only the files that a test gives to it.
const otherUser = 4711

// Each case changes a module that has a valid hotstart.toml in the folder
// cmd/api.
func TestFileOfOtherUsers(t *testing.T) {
	give := func(name string) func(string) error {
		return func(root string) error { return os.Lchown(filepath.Join(root, name), otherUser, otherUser) }
	}
	mode := func(name string, mode os.FileMode) func(string) error {
		return func(root string) error { return os.Chmod(filepath.Join(root, name), mode) }
	}
	link := func(target string) func(string) error {
		return func(root string) error {
			path := filepath.Join(root, "cmd/api/hotstart.toml")
			return errors.Join(os.Remove(path), os.Symlink(target, path))
		}
	}
	for _, c := range []struct {
		name      string
		root      bool // needs the superuser
		do        func(root string) error
		why, hint string // "": the file is read
	}{
		{"as it is", false, mode("cmd/api/hotstart.toml", 0o600), "", ""},
		{"a link to another file of the module", false, link("../other.toml"), "", ""},
		{"a file of root in a folder that others read", false, mode("cmd", 0o755), "", ""},
		{"a file that everybody can write", false, mode("cmd/api/hotstart.toml", 0o666), "is ignored: it can be written by other users", "chmod go-w ROOT/cmd/api/hotstart.toml"},
		{"a folder that everybody can write", false, mode("cmd/api", 0o777), "ROOT/cmd/api can be written by other users", "chmod go-w ROOT/cmd/api"},
		{"a folder above it", false, mode("cmd", 0o777), "ROOT/cmd can be written by other users", "chmod go-w ROOT/cmd"},
		{"the root of the module", false, mode(".", 0o777), "ROOT can be written by other users", "chmod go-w ROOT"},
		{"a folder for temporary files", false, mode("cmd", 0o777|os.ModeSticky), "ROOT/cmd can be written by other users", "hotstart watch --config=hotstart.toml"},
		{"a link out of the module", false, link("../../../outside.toml"), "it is a link to", "hotstart watch --config=hotstart.toml"},
		{"another user's file", true, give("cmd/api/hotstart.toml"), "it belongs to user 4711", "hotstart watch --config=hotstart.toml"},
		{"another user's folder", true, give("cmd/api"), "ROOT/cmd/api belongs to user 4711", "hotstart watch --config=hotstart.toml"},
		{"another user's module", true, give("."), "ROOT belongs to user 4711", "hotstart watch --config=hotstart.toml"},
		{"a file that root's group can write", true, mode("cmd/api/hotstart.toml", 0o664), "it can be written by other users", "chmod go-w ROOT/cmd/api/hotstart.toml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.root && os.Geteuid() != 0 {
				t.Skip("needs root: it gives a file to another user")
			}
			parent, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			root := filepath.Join(parent, "module")
			writeFiles(t, parent, map[string]string{
				"outside.toml": "bell = true", "module/go.mod": "module example.com/app\n",
				"module/cmd/other.toml": "bell = true", "module/cmd/api/hotstart.toml": "bell = true",
			})
			if err := c.do(root); err != nil {
				t.Fatal(err)
			}
			t.Chdir(filepath.Join(root, "cmd/api"))
			why, hint := strings.ReplaceAll(c.why, "ROOT", root), strings.ReplaceAll(c.hint, "ROOT", root)
			conf, _ := mustRead(t, "")
			switch read := conf.found; {
			case read != (why == ""):
				t.Errorf("read: %v; ignored: %v", read, conf.Ignored)
			case !read && (!strings.Contains(conf.Ignored.Error(), why) || conf.Ignored.hint != hint):
				t.Errorf("%v; run: %s, want %s; run: %s", conf.Ignored, conf.Ignored.hint, why, hint)
			}
			// A named file is always read.
			if _, doc := mustRead(t, "hotstart.toml"); doc.entries == nil {
				t.Error("the named file was not read")
			}
		})
	}
}

func mustRead(t *testing.T, named string) (*Loader, Document) {
	t.Helper()
	l := &Loader{}
	if err := l.choose(named); err != nil {
		t.Fatal(err)
	}
	doc, err := l.read()
	if err != nil {
		t.Fatal(err)
	}
	return l, doc
}

func TestIsPrivate(t *testing.T) {
	const groups = "root:x:0:\nstaff:x:50:alice\nalice:x:1000:\nbob:x:1001:bob\ncarol:x:1002:carol,dave\nnews:x:9\n"
	for _, c := range []struct {
		gid, name string
		want      bool
	}{
		{"1000", "alice", true}, {"1001", "bob", true}, {"1002", "carol", false}, {"1000", "bob", false}, {"50", "alice", false}, {"9", "news", false}, {"77", "alice", false},
	} {
		if got := isPrivate(groups, c.gid, c.name); got != c.want {
			t.Errorf("group %s of %s: %v", c.gid, c.name, got)
		}
	}
}

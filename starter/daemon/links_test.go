package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// stranger is another user, who owns the files that the tests pass to hand.
const stranger = 4711

// needsRoot skips a test that gives files to another user.
func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it gives files to another user")
	}
}

// strangersFolder creates a folder that the stranger owns and all users can write to.
func strangersFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "theirs")
	if err := errors.Join(os.Mkdir(dir, 0o777), os.Chmod(dir, 0o777), os.Chown(dir, stranger, stranger)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// layer creates a link at a path as a stranger could, with a file of this user as
// its target.
type layer func(t *testing.T, victim, path string)

func hand(t *testing.T, path string) {
	t.Helper()
	if err := os.Lchown(path, stranger, stranger); err != nil {
		t.Fatal(err)
	}
}

var strangersLinks = map[string]layer{
	"a symbolic link": func(t *testing.T, victim, path string) {
		os.Symlink(victim, path)
		hand(t, path)
	},
	"a symbolic link of ours that they have moved there": func(t *testing.T, victim, path string) { os.Symlink(victim, path) },
	"a hard link": func(t *testing.T, victim, path string) { os.Link(victim, path) },
	"a link to a file that is to be made": func(t *testing.T, victim, path string) {
		os.Remove(victim)
		os.Symlink(victim, path)
		hand(t, path)
	},
}

// The target of a stranger's link, a file of this user, is never written.
func TestLinksOfStrangersAreNotFollowed(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	for name, lay := range strangersLinks {
		for what, write := range map[string]func(path string) error{
			"a pid file":    func(path string) error { p, err := LockPIDFile(path); p.Close(); return err },
			"a log file":    func(path string) error { _, err := OpenLog(path); return err },
			"a status file": func(path string) error { _, err := openStatus(path); return err },
		} {
			victim := filepath.Join(t.TempDir(), "victim")
			os.WriteFile(victim, []byte("4711\n"), 0o600)
			path := filepath.Join(strangersFolder(t), "file")
			lay(t, victim, path)
			was, _ := os.ReadFile(victim)
			var refused *LinkError
			if err := write(path); !errors.As(err, &refused) || refused.Owner != stranger {
				t.Errorf("%s is %s: %v", what, name, err)
			}
			if now, _ := os.ReadFile(victim); string(now) != string(was) {
				t.Errorf("%s is %s: its target is %q now", what, name, now)
			}
			if !exists(path) {
				t.Errorf("%s is %s: it was removed", what, name)
			}
		}
	}
}

// A folder in the path can be a link, too.
func TestALinkOfAStrangerInTheMiddleOfAPath(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	ours, theirs := t.TempDir(), strangersFolder(t)
	os.Symlink(ours, filepath.Join(theirs, "way"))
	if _, err := LockPIDFile(filepath.Join(theirs, "way", "pid")); !errors.As(err, new(*LinkError)) {
		t.Error(err)
	}
	if left, _ := os.ReadDir(ours); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A link that a stranger creates later is not followed when the file is removed.
func TestALinkThatIsLaidLaterIsNotFollowed(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	theirs, ours := filepath.Join(strangersFolder(t), "sub"), t.TempDir()
	os.Mkdir(theirs, 0o777)
	path := filepath.Join(theirs, "pid")
	p, err := LockPIDFile(path)
	if err != nil {
		t.Fatal(err)
	}
	os.Link(path, filepath.Join(ours, "pid")) // the same file; only its path leads through the link
	os.Rename(theirs, theirs+".away")
	os.Symlink(ours, theirs)
	hand(t, theirs)
	p.Close()
	if !exists(filepath.Join(ours, "pid")) {
		t.Error("a file of ours was removed")
	}
}

// A wrong path must not destroy a file.
func TestFilesOfAnotherKindAreLeftAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notes")
	os.WriteFile(path, []byte("precious\n"), 0o644)
	if p, err := LockPIDFile(path); err == nil {
		p.Close()
		t.Error("it is a pid file now")
	}
	if _, err := openStatus(path); err == nil {
		t.Error("it is a status file now")
	}
	if got := contents(t, path); got != "precious\n" {
		t.Errorf("it has %q now", got)
	}
}

package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestALogIsAppendedToAndReopened(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	os.WriteFile(path, []byte("before\n"), 0o644)
	l, err := OpenLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.file.WriteString("one\n")
	os.Rename(path, path+".1")
	l.file.WriteString("two\n")
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	l.file.WriteString("three\n")
	if old, now := contents(t, path+".1"), contents(t, path); old != "before\none\ntwo\n" || now != "three\n" {
		t.Errorf("%q, %q", old, now)
	}
}

func TestALogThatCannotBeReopenedGoesOn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "logs")
	os.Mkdir(dir, 0o755)
	l, err := OpenLog(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	os.Rename(dir, dir+".1")
	if err := l.Reopen(); err == nil {
		t.Error("it was opened in a folder that does not exist")
	}
	if _, err := l.file.WriteString("still\n"); err != nil || contents(t, dir+".1/log") != "still\n" {
		t.Error(err)
	}
}

// The command reads one line and exits. The next line waits for the next run.
func TestACommandOfALogThatEndsIsRunAgain(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	l, err := OpenLog("| read line; echo $line >>" + out)
	if err != nil {
		t.Fatal(err)
	}
	l.file.WriteString("one\n")
	until(t, "the first line", func() bool { return exists(out) && contents(t, out) == "one\n" })
	l.file.WriteString("two\n")
	until(t, "the second line", func() bool { return contents(t, out) == "one\ntwo\n" })
	l.Close()
}

func TestCloseWaitsUntilTheCommandHasReadEverything(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	l, err := OpenLog("  |  cat >" + out)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("a line\n", 5000)
	l.file.WriteString(text)
	l.Close()
	if contents(t, out) != text {
		t.Errorf("%d bytes of %d came", len(contents(t, out)), len(text))
	}
}

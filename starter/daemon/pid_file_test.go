package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestPIDFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pid")
	os.WriteFile(path, []byte("1234567890\n"), 0o644)
	p, err := LockPIDFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := contents(t, path), fmt.Sprintf("%d\n", os.Getpid()); got != want {
		t.Errorf("it has %q, want %q", got, want)
	}
	p.Close()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("it was left behind")
	}
}

func TestAPIDFileThatIsHeldIsLeftAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pid")
	held, err := LockPIDFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	os.WriteFile(path, []byte("4711\n"), 0o644)
	var other *HeldError
	if _, err := LockPIDFile(path); !errors.As(err, &other) || other.PID != 4711 || other.Path != path {
		t.Errorf("%v", err)
	}
	if got := contents(t, path); got != "4711\n" {
		t.Errorf("it has %q now", got)
	}
}

func TestAPIDFileOfAnotherIsNotRemoved(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pid")
	p, err := LockPIDFile(path)
	if err != nil {
		t.Fatal(err)
	}
	os.Rename(path, path+".old")
	os.WriteFile(path, []byte("4711\n"), 0o644)
	p.Close()
	if got := contents(t, path); got != "4711\n" {
		t.Errorf("it has %q", got)
	}
}

func TestNoPIDFile(t *testing.T) {
	t.Parallel()
	p, err := LockPIDFile("")
	if p != nil || err != nil {
		t.Errorf("%v, %v", p, err)
	}
	p.Close()
	if _, err := LockPIDFile(filepath.Join(t.TempDir(), "no", "pid")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestAPIDThatMayBeSignalled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pid")
	for content, want := range map[string]int{
		"4711\n": 4711, "1\n": 1, " 12 ": 12,
		"": 0, "0\n": 0, "-1\n": 0, "1 2\n": 0, "nginx\n": 0, "99999999999\n": 0, "+5\n": 0,
		fmt.Sprintln(os.Getpid()): 0,
	} {
		os.WriteFile(path, []byte(content), 0o644)
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readPID(f)
		f.Close()
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %d, %v", content, got, err)
		}
	}
}

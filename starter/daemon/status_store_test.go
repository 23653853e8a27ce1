package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/hotstart/hotstart/starter"
)

func TestStatusFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "status")
	s, err := openStatus(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.write("", false); err != nil || exists(path) {
		t.Errorf("written before a worker was up: %v", err)
	}
	two := []starter.Worker{{Generation: 9, PID: 90}, {Generation: 10, PID: 100}}
	if err := s.write(statusLines(two), false); err != nil || contents(t, path) != "9:90\n10:100\n" {
		t.Errorf("%q, %v", contents(t, path), err)
	}
	if got, err := readStatus(path); err != nil || !reflect.DeepEqual(got.workers, two) {
		t.Errorf("read %v, %v", got, err)
	}
	if err := s.write("", false); err != nil || contents(t, path) != "" {
		t.Errorf("%q, %v", contents(t, path), err)
	}
	s.close()
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Two superdaemons must not share a status file: each would list the workers of both in turn.
func TestAStatusFileBelongsToOneProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "status")
	os.WriteFile(path, []byte("1:10\n"), 0o644) // of a dead process
	s, err := openStatus(path)
	if err != nil {
		t.Fatal(err)
	}
	for generation := range 3 {
		if err := s.write(fmt.Sprintf("%d:10\n", generation+1), false); err != nil {
			t.Fatal(err)
		}
		if _, err := openStatus(path); err == nil {
			t.Error("a second process can use it, too")
		}
	}
	s.close()
	if s, err = openStatus(path); err != nil {
		t.Fatal(err)
	}
	if err := s.write("1:10\n", false); err != nil {
		t.Fatal(err)
	}
	os.Remove(path)
	os.WriteFile(path, []byte("another's"), 0o644)
	s.close()
	if !exists(path) {
		t.Error("another's file is removed")
	}
}

// Another user can guess the name of the draft and create a link there.
func TestAStatusFileFollowsNoLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	os.WriteFile(victim, []byte("precious"), 0o644)
	path := filepath.Join(dir, "status")
	lay := func() { os.Symlink(victim, fmt.Sprintf("%s.%d", path, os.Getpid())) }
	lay()
	s, err := openStatus(path)
	if err != nil {
		t.Fatal(err)
	}
	lay()
	if err := s.write("1:10\n", false); err != nil || contents(t, path) != "1:10\n" {
		t.Errorf("%q, %v", contents(t, path), err)
	}
	if contents(t, victim) != "precious" {
		t.Errorf("another's file is %q now", contents(t, victim))
	}
}

func TestAStatusFileThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := openStatus(filepath.Join(dir, "none", "status")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := openStatus(dir); err == nil {
		t.Error("a folder is a status file")
	}
	path := filepath.Join(dir, "gone", "status")
	os.Mkdir(filepath.Dir(path), 0o755)
	s, err := openStatus(path)
	if err != nil {
		t.Fatal(err)
	}
	os.RemoveAll(filepath.Dir(path))
	if err := s.write("1:10\n", false); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	os.Mkdir(filepath.Dir(path), 0o755)
	if err := s.write("1:10\n", false); err != nil || contents(t, path) != "1:10\n" {
		t.Errorf("written again: %v", err)
	}
}

func TestAStatusFileOfAnotherIsNotRemoved(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "status")
	os.WriteFile(path, []byte("1:10\n"), 0o644)
	s, err := openStatus(path)
	if err != nil {
		t.Fatal(err)
	}
	s.close()
	if !exists(path) {
		t.Error("it was removed before it was written")
	}
}

func TestReadStatus(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "status")
	if got, err := readStatus(path); len(got.workers) != 0 || got.file != nil || err != nil {
		t.Errorf("of no file %v, %v", got, err)
	}
	for _, content := range []string{"1\n", "x:1\n", "1:0\n", "1:-1\n", "hello"} {
		os.WriteFile(path, []byte(content), 0o644)
		if got, err := readStatus(path); err == nil {
			t.Errorf("%q is %v", content, got)
		}
	}
}

package main

import (
	"cmp"
	"fmt"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"os"
	"path/filepath"
	"syscall"
)

// A scratch is the folder of one hotstart for its binaries. Its lock tells
// that this hotstart lives: the kernel lets go of it in any case, so that the
// next one can remove what was left.
type scratch struct {
	dir  string
	lock *os.File
}

// scratchNames are those of the folders; mktemp(3) fills in the star.
const scratchNames = "hotstart-watch-*"

// newScratch makes the folder, in one for temporary files, and removes those
// of the dead.
func newScratch(parent string) (*scratch, error) {
	removeDeadScratches(parent)
	dir, err := os.MkdirTemp(parent, scratchNames)
	if err != nil {
		return nil, fmt.Errorf("making a folder for the binaries: %w", err)
	}
	s := &scratch{dir: dir}
	if s.lock, err = lockNew(filepath.Join(dir, "lock")); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("making a folder for the binaries: %w", err)
	}
	if err := s.executes(); err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

// scratchParent is where the go command makes its temporary folders.
func scratchParent() string { return cmp.Or(os.Getenv("GOTMPDIR"), os.TempDir()) }

// executes returns an error if no program in the folder can be executed, as
// on a file system that is mounted so.
func (s *scratch) executes() error {
	path := filepath.Join(s.dir, "lock")
	if err := os.Chmod(path, 0o700); err != nil {
		return err
	}
	const execute = 1 // X_OK of access(2)
	if syscall.Access(path, execute) == nil {
		return os.Chmod(path, 0o600)
	}
	parent := filepath.Dir(s.dir)
	return cli.WithHint(
		fmt.Errorf("programs can't be executed in %s, where the binaries would be: its file system is mounted noexec", parent),
		"mkdir -p ~/.cache/hotstart && GOTMPDIR=~/.cache/hotstart hotstart watch",
	)
}

// remove ends the scratch.
func (s *scratch) remove() {
	os.RemoveAll(s.dir)
	s.lock.Close()
}

// lockNew makes a file that is locked from when it has its name.
func lockNew(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// removeDeadScratches removes the folders whose lock nobody holds. One without
// a lock may be about to get it.
func removeDeadScratches(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, scratchNames))
	for _, dir := range dirs {
		if !ownFolder(dir) {
			continue
		}
		f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|syscall.O_NOFOLLOW, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			os.RemoveAll(dir)
		}
		f.Close()
	}
}

// ownFolder reports whether path is a folder, and no link to one, that this
// user has made and nobody else can write to: others may have the run of the
// place for temporary files.
func ownFolder(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Getuid()
}

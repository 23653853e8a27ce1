package session

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
)

// tempDir is the folder of one session for its binaries. The lock shows that
// the session is alive: the kernel releases it in any case, so that the next
// session can remove the folder.
type tempDir struct {
	path string
	lock *os.File
}

// tempDirPattern matches the names of the folders; os.MkdirTemp fills in the
// star.
const tempDirPattern = "hotstart-watch-*"

// makeTempDir makes a folder in parent, and removes the folders of sessions
// that have ended.
func makeTempDir(parent string) (*tempDir, error) {
	removeOrphans(parent)
	path, err := os.MkdirTemp(parent, tempDirPattern)
	if err != nil {
		return nil, fmt.Errorf("making a folder for the binaries: %w", err)
	}
	d := &tempDir{path: path}
	if d.lock, err = createLocked(filepath.Join(path, "lock")); err != nil {
		os.RemoveAll(path)
		return nil, fmt.Errorf("making a folder for the binaries: %w", err)
	}
	if err := d.checkExec(); err != nil {
		d.remove()
		return nil, err
	}
	return d, nil
}

// checkExec returns an error if programs in the folder can't be executed
// because its file system is mounted noexec.
func (d *tempDir) checkExec() error {
	const executable = 1 // X_OK
	path := filepath.Join(d.path, "lock")
	if err := os.Chmod(path, 0o700); err != nil {
		return err
	}
	if syscall.Access(path, executable) == nil {
		return os.Chmod(path, 0o600)
	}
	parent := filepath.Dir(d.path)
	return cli.WithHint(
		fmt.Errorf("programs can't be executed in %s, where the binaries would be: its file system is mounted noexec", parent),
		"mkdir -p ~/.cache/hotstart && GOTMPDIR=~/.cache/hotstart hotstart watch")
}

func (d *tempDir) remove() {
	os.RemoveAll(d.path)
	d.lock.Close()
}

// createLocked creates a file that is locked as soon as it has its name.
func createLocked(path string) (*os.File, error) {
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

// removeOrphans removes the folders whose lock no process holds. A folder
// without a lock may be about to get it.
func removeOrphans(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, tempDirPattern))
	for _, dir := range dirs {
		if !isPrivateDir(dir) {
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

// isPrivateDir reports whether path is a folder of this user that other users
// can't write to, and not a link to such a folder: the folder for temporary
// files is shared.
func isPrivateDir(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Getuid()
}

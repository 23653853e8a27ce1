// Package safefile opens, replaces and removes files without following a link,
// symbolic or hard, that another user can have created. The links of this user
// and of root work as usual. It is the rule of fs.protected_symlinks in
// proc_sys_fs(5), for every folder instead of the sticky ones alone.
package safefile

import (
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// A LinkError is a link that is not followed because another user can have
// created it: its target could be a file of this user or of root.
type LinkError struct {
	Path  string // as given by the caller
	Name  string // the part of the path that is the link
	Owner int    // the user who owns the link or its folder
}

func (e *LinkError) Error() string {
	return fmt.Sprintf("%s: %q is a symbolic link that user %d may have created; it is not followed", e.Path, e.Name, e.Owner)
}

// Hint returns what the user can do.
func (e *LinkError) Hint() string {
	return "remove the link, or choose a path in a folder that nobody else can write to"
}

// Open opens a file with the flags and mode of open(2).
func Open(path string, flags int, mode uint32) (*os.File, error) {
	dir, name, err := walk(path, true)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.Open(path, name, flags, mode)
}

// Remove removes the file at a path, if it is f.
func Remove(path string, f *os.File) {
	dir, name, err := OpenDir(path)
	if err != nil {
		return
	}
	defer dir.Close()
	if dir.has(name, f) {
		dir.Remove(name)
	}
}

// A Dir is an open folder. While a file in it is opened, replaced or removed,
// nobody can exchange a part of the folder's path.
type Dir struct{ fd int }

// OpenDir opens the folder of a path, and returns the last element of the path.
func OpenDir(path string) (dir Dir, name string, err error) { return walk(path, false) }

// maxLinks is the maximum number of links in a path, as in the kernel.
const maxLinks = 40

// walk opens one folder of a path after the other, and returns the last one
// with the last element of the path. If that element is a link and follow is
// set, walk continues with its target.
func walk(path string, follow bool) (dir Dir, name string, err error) {
	from := "."
	if strings.HasPrefix(path, "/") {
		from = "/"
	}
	if dir.fd, err = openat(unix.AT_FDCWD, from, dirFlags, 0); err != nil {
		return dir, "", &fs.PathError{Op: "open", Path: path, Err: err}
	}
	links := 0
	for left := strings.Split(path, "/"); ; {
		name, left = left[0], left[1:]
		last := len(left) == 0
		if name == "" {
			name = "."
		}
		target := ""
		if !last || follow {
			target, err = dir.link(path, name)
		}
		switch {
		case err != nil:
		case target != "":
			if links++; links > maxLinks {
				err = unix.ELOOP
			} else if strings.HasPrefix(target, "/") {
				err = dir.enter("/")
			}
			left = append(strings.Split(target, "/"), left...)
		case last:
			return dir, name, nil
		default:
			err = dir.enter(name)
		}
		if err != nil {
			dir.Close()
			return dir, "", &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// enter replaces the folder by one of its subfolders, or by the root.
func (d *Dir) enter(name string) error {
	flags := dirFlags | unix.O_NOFOLLOW
	if d.magic() {
		flags &^= unix.O_NOFOLLOW
	}
	fd, err := openat(d.fd, name, flags, 0)
	if err == nil {
		d.Close()
		d.fd = fd
	}
	return err
}

// link returns the target of a link in the folder, or "" if the name is not a
// link or the kernel resolves it. The error is a *LinkError if the link must
// not be followed.
func (d Dir) link(path, name string) (target string, err error) {
	var link, own unix.Stat_t
	if unix.Fstatat(d.fd, name, &link, unix.AT_SYMLINK_NOFOLLOW) != nil || link.Mode&unix.S_IFMT != unix.S_IFLNK || d.magic() {
		return "", nil
	}
	if err := unix.Fstat(d.fd, &own); err != nil {
		return "", err
	}
	for _, owner := range []int{int(link.Uid), int(own.Uid)} {
		if !trusted(owner) {
			return "", &LinkError{path, name, owner}
		}
	}
	b := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(d.fd, name, b)
	return string(b[:max(n, 0)]), err
}

// trusted reports whether a user is root or the user of this process.
func trusted(uid int) bool { return uid == 0 || uid == os.Geteuid() }

// Open opens a file of the folder with the flags and mode of open(2). It does
// not follow links. path is for errors.
func (d Dir) Open(path, name string, flags int, mode uint32) (*os.File, error) {
	flags |= unix.O_CLOEXEC
	if !d.magic() {
		flags |= unix.O_NOFOLLOW
	}
	fd, err := openat(d.fd, name, flags, mode)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	var st, own unix.Stat_t
	err = unix.Fstat(fd, &st)
	if err == nil {
		err = unix.Fstat(d.fd, &own)
	}
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Nlink > 1 && !trusted(int(own.Uid)) {
		err = &LinkError{path, name, int(own.Uid)}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// has reports whether a name in the folder is the file f. nil is nowhere.
func (d Dir) has(name string, f *os.File) bool {
	var mine, there unix.Stat_t
	return f != nil && unix.Fstat(int(f.Fd()), &mine) == nil && unix.Fstatat(d.fd, name, &there, 0) == nil &&
		mine.Dev == there.Dev && mine.Ino == there.Ino
}

// Remove removes a file of the folder.
func (d Dir) Remove(name string) error { return unix.Unlinkat(d.fd, name, 0) }

// Rename renames a file of the folder, and replaces the file to if it exists.
func (d Dir) Rename(from, to string) error { return unix.Renameat(d.fd, from, d.fd, to) }

// Close closes the folder.
func (d Dir) Close() { unix.Close(d.fd) }

// openat is openat(2), repeated while signals interrupt it.
func openat(dir int, name string, flags int, mode uint32) (int, error) {
	for {
		if fd, err := unix.Openat(dir, name, flags, mode); err != unix.EINTR {
			return fd, err
		}
	}
}

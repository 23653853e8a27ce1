package starter

import (
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// A folder is held open while a file in it is opened, replaced or removed,
// so that nobody can exchange a part of its path meanwhile.
type folder struct{ fd int }

// A LinkError is a link that is not followed because another user can have
// made it: a file of this user, or of root, could be at its other end.
type LinkError struct {
	Path  string // as it was given
	Name  string // the part of it that is the link
	Owner int    // the user who owns the link or its folder
}

func (e *LinkError) Error() string {
	return fmt.Sprintf("%s: %q is a symbolic link that user %d may have created; it is not followed", e.Path, e.Name, e.Owner)
}

// Hint says how to go on.
func (e *LinkError) Hint() string {
	return "remove the link, or choose a path in a folder that nobody else can write to"
}

// openFile opens a file as open(2) does, but follows no link, symbolic or
// hard, that another user can have made. The links of this user and of root
// work as usual. It is the rule of fs.protected_symlinks in proc_sys_fs(5),
// for every folder instead of the sticky ones alone.
func openFile(path string, flags int, mode uint32) (*os.File, error) {
	dir, name, err := walk(path, true)
	if err != nil {
		return nil, err
	}
	defer dir.close()
	return dir.open(path, name, flags, mode)
}

// openFolder opens the folder of a path, and returns the last name of it.
func openFolder(path string) (dir folder, name string, err error) { return walk(path, false) }

// maxLinks is how many links of a path are followed, as by the kernel.
const maxLinks = 40

// walk goes along a path, part by part, to the folder of its last one. If
// that is a link, and to be followed, it goes on along it.
func walk(path string, follow bool) (dir folder, name string, err error) {
	if err = dir.begin(path); err != nil {
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
			dir.close()
			return dir, "", &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// begin opens the folder that a path starts from.
func (d *folder) begin(path string) (err error) {
	from := "."
	if strings.HasPrefix(path, "/") {
		from = "/"
	}
	d.fd, err = ignoringEINTR(func() (int, error) { return unix.Open(from, folderFlags, 0) })
	return err
}

// enter exchanges the folder for one in it, or for the root.
func (d *folder) enter(name string) error {
	flags := folderFlags | unix.O_NOFOLLOW
	if d.magic() {
		flags &^= unix.O_NOFOLLOW
	}
	fd, err := ignoringEINTR(func() (int, error) { return unix.Openat(d.fd, name, flags, 0) })
	if err == nil {
		d.close()
		d.fd = fd
	}
	return err
}

// link returns where a name leads, or "" if it is not a link to be read. It
// is a *LinkError if it must not be followed.
func (d folder) link(path, name string) (target string, err error) {
	var link, own unix.Stat_t
	if unix.Fstatat(d.fd, name, &link, unix.AT_SYMLINK_NOFOLLOW) != nil || link.Mode&unix.S_IFMT != unix.S_IFLNK || d.magic() {
		return "", nil
	}
	if err := unix.Fstat(d.fd, &own); err != nil {
		return "", err
	}
	for _, owner := range []int{int(link.Uid), int(own.Uid)} {
		if !reliable(owner) {
			return "", &LinkError{path, name, owner}
		}
	}
	b := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(d.fd, name, b)
	return string(b[:max(n, 0)]), err
}

// reliable reports whether what a user owns is as this process left it.
func reliable(uid int) bool { return uid == 0 || uid == os.Geteuid() }

// open opens a file of the folder, which must not have become a link.
func (d folder) open(path, name string, flags int, mode uint32) (*os.File, error) {
	flags |= unix.O_CLOEXEC
	if !d.magic() {
		flags |= unix.O_NOFOLLOW
	}
	fd, err := ignoringEINTR(func() (int, error) { return unix.Openat(d.fd, name, flags, mode) })
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	var st, own unix.Stat_t
	err = unix.Fstat(fd, &st)
	if err == nil {
		err = unix.Fstat(d.fd, &own)
	}
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Nlink > 1 && !reliable(int(own.Uid)) {
		err = &LinkError{path, name, int(own.Uid)}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// has reports whether a name in the folder is that file.
func (d folder) has(name string, f *os.File) bool {
	var mine, there unix.Stat_t
	return f != nil && unix.Fstat(int(f.Fd()), &mine) == nil && unix.Fstatat(d.fd, name, &there, 0) == nil &&
		mine.Dev == there.Dev && mine.Ino == there.Ino
}

func (d folder) remove(name string) error { return unix.Unlinkat(d.fd, name, 0) }

func (d folder) rename(from, to string) error { return unix.Renameat(d.fd, from, d.fd, to) }

func (d folder) close() { unix.Close(d.fd) }

// removeFile removes what is at a path, if that is the file.
func removeFile(path string, f *os.File) {
	dir, name, err := openFolder(path)
	if err != nil {
		return
	}
	defer dir.close()
	if dir.has(name, f) {
		dir.remove(name)
	}
}

// ignoringEINTR calls a function until no signal interrupts it.
func ignoringEINTR(call func() (int, error)) (int, error) {
	for {
		if n, err := call(); err != unix.EINTR {
			return n, err
		}
	}
}

// Package unixpath keeps the paths of unix sockets: it restores a path that was
// removed or replaced, and cleans up what a killed process has left.
package unixpath

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Path is the path of a unix socket. A second name in the same directory, a
// hard link, keeps the file reachable: link(2) can't give a name to a socket that
// has lost its last name, although the socket still listens.
type Path struct {
	Name     string // absolute
	File     fs.FileInfo
	Owned    bool        // this process has made the file, or keeps it, and removes it in the end
	Reported bool        // for the caller: that the path is lost has been reported; Restore clears it
	spare    string      // the second name; "": it could not be made
	foreign  fs.FileInfo // a file at the path that belongs to another process
	watch    *watch
}

// Keep returns the Path of the socket at a path, with a second name. It returns
// nil if there is no socket.
func Keep(path string) *Path {
	p := At(path)
	if p != nil {
		p.KeepSpare()
	}
	return p
}

// At returns the Path of the socket at a path, without a second name. It returns
// nil if there is no socket.
func At(path string) *Path {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil
	}
	file, err := os.Lstat(path)
	if err != nil || !isSocket(file) {
		return nil
	}
	return &Path{Name: path, File: file}
}

func isSocket(file fs.FileInfo) bool { return file.Mode().Type() == fs.ModeSocket }

// SparePrefix returns the prefix of the second names of a path. The pid of the
// process that has made the name follows it.
func SparePrefix(path string) string { return "." + filepath.Base(path) + ".hotstart-" }

// KeepSpare makes the second name. On a file system without hard links there is
// none. Instrumented programs know the first of its two forms: package hook of
// builder/adopt. The second form is for a socket at the path of another socket.
func (p *Path) KeepSpare() {
	RemoveStale(p.Name)
	name := filepath.Join(filepath.Dir(p.Name), SparePrefix(p.Name)+strconv.Itoa(os.Getpid()))
	for _, spare := range []string{name, fmt.Sprintf("%s-%d", name, p.File.Sys().(*syscall.Stat_t).Ino)} {
		err := os.Link(p.Name, spare)
		if file, _ := os.Lstat(spare); os.SameFile(file, p.File) && (err == nil || errors.Is(err, fs.ErrExist)) {
			p.spare = spare
			return
		}
	}
}

// RemoveStale removes what a killed process has left: its second names of a path,
// and the path itself if that is the path of a socket which the process kept.
func RemoveStale(path string) {
	entries, _ := os.ReadDir(filepath.Dir(path))
	for _, entry := range entries {
		rest, ours := strings.CutPrefix(entry.Name(), SparePrefix(path))
		number, _, _ := strings.Cut(rest, "-")
		pid, err := strconv.Atoi(number)
		if !ours || err != nil || unix.Kill(pid, 0) != unix.ESRCH {
			continue
		}
		spare := filepath.Join(filepath.Dir(path), entry.Name())
		file, err := os.Lstat(spare)
		if err != nil || !isSocket(file) {
			continue
		}
		if at, _ := os.Lstat(path); os.SameFile(at, file) && dead(path) {
			os.Remove(path)
		}
		os.Remove(spare)
	}
}

// Restore makes the path lead to the socket, and reports whether it did not. It
// replaces a socket on which nobody listens, such as a socket that a worker has
// just bound to get the kept one in its place. Any other file is an error.
func (p *Path) Restore() (restored bool, err error) {
	file, err := os.Lstat(p.Name)
	switch {
	case os.SameFile(file, p.File):
		p.Reported = false
		return false, nil
	case p.spare == "":
		return false, errors.New("no second name of it could be kept here; reload, so that the program binds it again")
	case errors.Is(err, fs.ErrNotExist):
		err = os.Link(p.spare, p.Name)
	case err != nil:
	case os.SameFile(file, p.foreign) || !isSocket(file) || !dead(p.Name):
		p.foreign = file
		return false, errors.New("something else is at that path now, and clients get to that")
	default:
		err = p.replace()
	}
	if err != nil {
		return false, fmt.Errorf("putting it back: %w; reload, so that the program binds it again", err)
	}
	p.Reported = false
	return true, nil
}

// replace replaces the file at the path by the socket, atomically.
func (p *Path) replace() error {
	next := p.spare + "-next"
	if err := os.Link(p.spare, next); err != nil {
		return err
	}
	err := os.Rename(next, p.Name)
	if err != nil {
		os.Remove(next)
	}
	return err
}

// dead reports whether nobody listens on the socket at a path.
func dead(path string) bool {
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
	}
	return errors.Is(err, unix.ECONNREFUSED)
}

// Watch calls changed on a goroutine of its own when the path may have been
// removed, renamed or replaced, until Close. It does nothing on systems other
// than Linux. A nil Path is not watched.
func (p *Path) Watch(changed func()) {
	if p == nil {
		return
	}
	if p.watch = newWatch(p.Name); p.watch != nil {
		go p.watch.run(changed)
	}
}

// Close removes the second name, and the path if it is Owned and leads to the
// socket. Closing a nil Path does nothing.
func (p *Path) Close() {
	if p == nil {
		return
	}
	p.watch.close()
	if file, _ := os.Lstat(p.Name); p.Owned && os.SameFile(file, p.File) {
		os.Remove(p.Name)
	}
	if p.spare != "" {
		os.Remove(p.spare)
	}
}

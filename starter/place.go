package starter

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A place is the path of a unix socket. A second name next to it, a hard
// link, keeps the file reachable: link(2) can't give a name to a socket that
// has lost its last one, although the socket still listens.
type place struct {
	path  string // absolute
	file  fileID
	spare string // the second name; empty if it could not be made
	made  bool   // by this process, which removes the path in the end
	told  bool   // that it is lost and can't be put back
	other fileID // a file at the path that is known to be somebody else's
	watch *pathWatch
}

// fileID identifies a file as long as it has a name or is open.
type fileID struct{ dev, ino uint64 }

// identify tells what is at path, and whether it is a socket. A link is not
// followed.
func identify(path string) (file fileID, socket bool, err error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return fileID{}, false, err
	}
	return fileID{uint64(st.Dev), uint64(st.Ino)}, st.Mode&unix.S_IFMT == unix.S_IFSOCK, nil
}

// newPlace is for the socket at path. It returns nil if no socket is there.
func newPlace(path string) *place {
	p := placeAt(path)
	if p != nil {
		p.keepSpare()
	}
	return p
}

// placeAt is newPlace without the second name.
func placeAt(path string) *place {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil
	}
	file, socket, err := identify(path)
	if err != nil || !socket {
		return nil
	}
	return &place{path: path, file: file}
}

// sparePrefix begins the second names of a path. The number of the process
// that made one follows.
func sparePrefix(path string) string { return "." + filepath.Base(path) + ".hotstart-" }

// keepSpare makes the second name. Without hard links, as on some file systems,
// there is none. Adopted programs know the first of its forms: package hook of
// builder/adopt; the other is for a socket that is at the path of another.
func (p *place) keepSpare() {
	removeStaleSpares(p.path)
	name := filepath.Join(filepath.Dir(p.path), sparePrefix(p.path)+strconv.Itoa(os.Getpid()))
	for _, spare := range []string{name, fmt.Sprintf("%s-%d", name, p.file.ino)} {
		err := os.Link(p.path, spare)
		if file, _, _ := identify(spare); file == p.file && (err == nil || errors.Is(err, fs.ErrExist)) {
			p.spare = spare
			return
		}
	}
}

// removeStaleSpares removes what a process that was killed has left behind: the
// second names, and the path if it is that of a socket which it kept.
func removeStaleSpares(path string) {
	entries, _ := os.ReadDir(filepath.Dir(path))
	for _, entry := range entries {
		rest, ours := strings.CutPrefix(entry.Name(), sparePrefix(path))
		number, _, _ := strings.Cut(rest, "-")
		pid, err := strconv.Atoi(number)
		if !ours || err != nil || unix.Kill(pid, 0) != unix.ESRCH {
			continue
		}
		spare := filepath.Join(filepath.Dir(path), entry.Name())
		file, socket, err := identify(spare)
		if err != nil || !socket {
			continue
		}
		if at, _, err := identify(path); err == nil && at == file && dead(path) {
			os.Remove(path)
		}
		os.Remove(spare)
	}
}

// restore makes sure that the path leads to the socket, and reports whether it
// had to be put back. A socket there on which nobody listens, as one that a
// worker has just bound to have this one in its place, is replaced.
func (p *place) restore() (back bool, err error) {
	file, socket, err := identify(p.path)
	switch {
	case err == nil && file == p.file:
		p.told = false
		return false, nil
	case p.spare == "":
		return false, errors.New("no second name of it could be kept here; reload, so that the program binds it again")
	case errors.Is(err, fs.ErrNotExist):
		err = os.Link(p.spare, p.path)
	case err != nil:
	case file == p.other || !socket || !dead(p.path):
		p.other = file
		return false, errors.New("something else is at that path now, and clients get to that")
	default:
		err = p.replace()
	}
	if err != nil {
		return false, fmt.Errorf("putting it back: %w; reload, so that the program binds it again", err)
	}
	p.told = false
	return true, nil
}

// replace puts the socket in the place of what is at the path, so that at no
// time nothing is there.
func (p *place) replace() error {
	next := p.spare + "-next"
	if err := os.Link(p.spare, next); err != nil {
		return err
	}
	err := os.Rename(next, p.path)
	if err != nil {
		os.Remove(next)
	}
	return err
}

// dead reports whether nobody listens on the socket at path.
func dead(path string) bool {
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
	}
	return errors.Is(err, unix.ECONNREFUSED)
}

// close removes the second name, and the path if it still is this process's.
func (p *place) close() {
	if p == nil {
		return
	}
	p.watch.close()
	if file, _, err := identify(p.path); p.made && err == nil && file == p.file {
		os.Remove(p.path)
	}
	if p.spare != "" {
		os.Remove(p.spare)
	}
}

// isAbstract reports whether a unix address is not a path: unix(7).
func isAbstract(path string) bool {
	return runtime.GOOS == "linux" && strings.HasPrefix(path, "@")
}

// samePath reports whether two unix addresses mean one socket, however they are
// written: the same name in the same directory, or links to the same file.
func samePath(a, b string) bool {
	switch {
	case a == b:
		return true
	case a == "" || b == "" || isAbstract(a) || isAbstract(b):
		return false
	}
	dirA, nameA := splitPath(a)
	dirB, nameB := splitPath(b)
	return nameA == nameB && sameFile(dirA, dirB) || sameFile(a, b)
}

// splitPath leaves .. as it is: after a link it is not what filepath.Dir takes
// it for.
func splitPath(path string) (dir, name string) {
	dir, name = filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	return dir, name
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

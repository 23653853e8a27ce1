package watcher

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// content is a hash of the content of a file, comparable by ==. The zero value is a missing file.
type content struct {
	sum        [sha256.Size]byte
	exists     bool
	unreadable bool // exists, with unknown content
}

// stat is the state of a file that shows without reading it that its content is likely the same, comparable by ==.
type stat struct {
	size         int64 // bytes
	mtime, ctime int64 // nanoseconds; any program can set mtime, only the kernel sets ctime
	inode        inode
}

// inode identifies a file or directory under all its paths, while it exists: a number is soon used again.
type inode struct{ dev, ino uint64 }

// file is the last known state of a file.
type file struct {
	content
	stat
	read time.Time // time when the content was read
}

// reader reads files, one at a time.
type reader struct {
	now  time.Time
	hash hash.Hash
	buf  []byte
}

// file reads the regular file at path, or at the target of a symbolic link. Any other kind of file counts as
// missing.
func (r *reader) file(path string) file {
	// A device must not be opened, so stat it first.
	before := statFile(path)
	if before == (stat{}) {
		return file{}
	}
	// The file may have become a FIFO: O_NONBLOCK does not wait for its writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if isMissing(err) {
		return file{}
	}
	if err != nil {
		return file{content: content{exists: true, unreadable: true}, stat: before, read: r.now}
	}
	defer f.Close()
	return file{content: r.content(f), stat: before, read: r.now}
}

func (r *reader) content(f io.Reader) content {
	r.hash.Reset()
	// The struct hides a WriteTo that would not use the buffer.
	if _, err := io.CopyBuffer(r.hash, struct{ io.Reader }{f}, r.buf); err != nil {
		return content{exists: true, unreadable: true}
	}
	return content{exists: true, sum: [sha256.Size]byte(r.hash.Sum(nil))}
}

// statFile returns the zero value for any file that is not regular.
func statFile(path string) stat {
	st, err := statOf(path)
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return stat{}
	}
	return stat{st.Size, st.Mtim.Nano(), st.Ctim.Nano(), inodeOf(st)}
}

func statOf(path string) (st unix.Stat_t, err error) {
	err = unix.EINTR
	for err == unix.EINTR { // for example from a FUSE file system
		err = unix.Stat(path, &st)
	}
	return st, err
}

func inodeOf(st unix.Stat_t) inode { return inode{uint64(st.Dev), uint64(st.Ino)} }

// racy is the time within which two modifications may leave the same modification time, on the coarsest usual file
// system (FAT: 2 s). Git calls such files "racily clean".
const racy = 2 * time.Second

// trusted reports whether an equal stat means equal content: the file was readable, and was read long enough after its
// modification.
func (f file) trusted() bool {
	return !f.unreadable && f.read.Sub(time.Unix(0, f.mtime)).Abs() > racy && f.read.Sub(time.Unix(0, f.ctime)).Abs() > racy
}

// readFiles reads many files at once, in the order of the paths.
func readFiles(paths []string, now time.Time) []file {
	const each = 16 // files per goroutine at least
	if len(paths) == 0 {
		return nil
	}
	files := make([]file, len(paths))
	var next atomic.Int64
	work := func() {
		r := reader{now, sha256.New(), make([]byte, 32<<10)}
		for i := next.Add(1) - 1; i < int64(len(paths)); i = next.Add(1) - 1 {
			files[i] = r.file(paths[i])
		}
	}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0)-1, len(paths)/each) {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return files
}

// isMissing reports whether err says that a path does not exist.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// dirInode returns the inode of the directory at path.
func dirInode(path string) (inode, error) {
	st, err := statOf(path)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return inode{}, &fs.PathError{Op: "watch", Path: path, Err: err}
	}
	return inodeOf(st), nil
}

// modifiedSince reports whether a file with this time may have been modified at since or later. Kernels stamp files
// with the time of their last clock tick (10 ms at HZ=100), and some file systems keep only whole or even seconds. A
// file within that time counts as modified.
func modifiedSince(nanoseconds int64, since time.Time) bool {
	at, grain := time.Unix(0, nanoseconds), 10*time.Millisecond
	if at.Nanosecond() == 0 {
		grain = racy
	}
	return at.After(since.Add(-grain))
}

// changedSince reports whether the file may have been written, replaced or moved at since or later. A file that was
// moved, or copied with its times, has an old mtime, but not an old ctime. (FAT and some network file systems do not
// keep a ctime: there only the mtime counts.)
func (s stat) changedSince(since time.Time) bool {
	return modifiedSince(s.mtime, since) || modifiedSince(s.ctime, since)
}

// placed finds paths that may have appeared at since or later without a change of the file: by a new symbolic link, or
// by a directory that was moved. It caches its results.
type placed struct {
	since time.Time
	known map[string]bool
}

func (p *placed) recently(path string) bool {
	if known, ok := p.known[path]; ok {
		return known
	}
	var st unix.Stat_t
	recently := false
	if unix.Lstat(path, &st) == nil && modifiedSince(st.Ctim.Nano(), p.since) {
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFLNK:
			recently = true
		case unix.S_IFDIR: // a new entry sets both times, a move only the ctime
			recently = st.Ctim.Nano() > st.Mtim.Nano()
		}
	}
	recently = recently || path != "/" && p.recently(filepath.Dir(path))
	p.known[path] = recently
	return recently
}

package watcher

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// content is what a file holds, compared by ==. The zero value: there is no such file.
type content struct {
	sum        [sha256.Size]byte
	exists     bool
	unreadable bool // there, but what it holds can't be told
}

// stat is what tells without reading that a file is likely the same, compared by ==.
type stat struct {
	size, mtime int64 // bytes; nanoseconds
	inode       inode
}

// inode names a file or directory whatever its path, as long as it exists: a number is soon used again.
type inode struct{ dev, ino uint64 }

// file is what is known of one file.
type file struct {
	content
	stat
	read time.Time // when the content was read
}

// reader reads files, one at a time.
type reader struct {
	now  time.Time
	hash hash.Hash
	buf  []byte
}

func newReader(now time.Time) *reader {
	return &reader{now, sha256.New(), make([]byte, 32<<10)}
}

// file reads the regular file at path, or the one that a symbolic link there leads to. What is no regular file is taken
// as none.
func (r *reader) file(path string) file {
	// A device must not even be opened, so ask first.
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return file{}
	}
	// What was a file may be a FIFO by now: don't wait for its writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if isMissing(err) {
		return file{}
	}
	if err != nil {
		return file{content: content{exists: true, unreadable: true}, stat: statOf(info), read: r.now}
	}
	defer f.Close()
	return file{content: r.content(f), stat: statOf(info), read: r.now}
}

func (r *reader) content(f io.Reader) content {
	r.hash.Reset()
	// The struct hides a WriteTo that would not use the buffer.
	if _, err := io.CopyBuffer(r.hash, struct{ io.Reader }{f}, r.buf); err != nil {
		return content{exists: true, unreadable: true}
	}
	return content{exists: true, sum: [sha256.Size]byte(r.hash.Sum(nil))}
}

// statFile is zero for what is no regular file.
func statFile(path string) stat {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return stat{}
	}
	return statOf(info)
}

func statOf(info fs.FileInfo) stat {
	return stat{info.Size(), info.ModTime().UnixNano(), inodeOf(info)}
}

func inodeOf(info fs.FileInfo) inode {
	sys := info.Sys().(*syscall.Stat_t) // as documented for os.FileInfo on Unix
	return inode{uint64(sys.Dev), uint64(sys.Ino)}
}

// racy is how long after a file was modified another modification may leave the same time, with the coarsest file
// system that is met (FAT: 2 s). Git calls such files "racily clean".
const racy = 2 * time.Second

// trusted reports that an equal stat means equal content: it could be read, long enough after the modification.
func (f file) trusted() bool {
	return !f.unreadable && f.read.Sub(time.Unix(0, f.mtime)).Abs() > racy
}

// readFiles reads many files at once, in the order of the paths.
func readFiles(paths []string, now time.Time) []file {
	const each = 16 // fewer than this are not worth a goroutine
	if len(paths) == 0 {
		return nil
	}
	files := make([]file, len(paths))
	var next atomic.Int64
	work := func() {
		r := newReader(now)
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

// isMissing reports whether err says that a path leads nowhere.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// dirInode returns the inode of the directory that path leads to.
func dirInode(path string) (inode, error) {
	info, err := os.Stat(path)
	if err != nil {
		return inode{}, err
	}
	if !info.IsDir() {
		return inode{}, &fs.PathError{Op: "watch", Path: path, Err: syscall.ENOTDIR}
	}
	return inodeOf(info), nil
}

// modifiedSince reports whether a file modified at mtime may have been modified at since or later. Kernels stamp files
// with the time of their last clock tick (10 ms at HZ=100), and some file systems keep whole or even seconds only: a
// file that is too young to tell counts.
func modifiedSince(mtime, since time.Time) bool {
	grain := 10 * time.Millisecond
	if mtime.Nanosecond() == 0 {
		grain = racy
	}
	return mtime.After(since.Add(-grain))
}

package ready

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A NotifySocket is the NOTIFY_SOCKET of one worker; sd_notify(3). Each worker has
// its own, so that a worker can't report readiness for another.
//
// Only a process that knows the path can report readiness: the name is random,
// its directory can be listed by this user only, and the path is passed to the
// worker alone. So any process that the worker starts may report readiness for
// it, under any user, even if that process exits at once. The kernel shows the
// address of each socket as it was bound to every user, in /proc/net/unix;
// therefore the socket is renamed after it is bound.
type NotifySocket struct {
	*net.UnixConn
	Path string
}

// NewNotifySocket makes a socket in a directory of its own, in the first of the
// parent directories where that is possible.
func NewNotifySocket(parents ...string) (n *NotifySocket, err error) {
	var why []string
	for _, parent := range parents {
		if n, err = notifySocketIn(parent); err == nil {
			return n, nil
		}
		why = append(why, err.Error())
	}
	return nil, fmt.Errorf("making the notify socket: %s", strings.Join(why, "; "))
}

// NotifyDirs lists the possible parent directories of a notify socket. First
// is tempDir, which is removed however this process ends ("": there is none).
// For root comes /run, in which users can't make a directory for temporary
// files. The others have short paths and are writable in a container with a
// read-only file system.
func NotifyDirs(tempDir string) []string {
	parents := []string{os.TempDir(), "/tmp", "/dev/shm"}
	if os.Geteuid() == 0 {
		parents = append([]string{"/run"}, parents...)
	}
	if tempDir != "" {
		parents = append([]string{tempDir}, parents...)
	}
	return parents
}

// notifyPrefix begins the names of the directories of notify sockets.
const notifyPrefix = "hotstart-notify-"

func notifySocketIn(parent string) (n *NotifySocket, err error) {
	removeStale(parent)
	dir, err := os.MkdirTemp(parent, notifyPrefix)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	public, secret := filepath.Join(dir, "socket"), filepath.Join(dir, rand.Text())
	if longest := len(unix.RawSockaddrUnix{}.Path) - 1; len(secret) > longest {
		return nil, fmt.Errorf("%s is longer than %d bytes", dir, longest-len(rand.Text())-1)
	}
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: public})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Chmod(public, 0o666), os.Chmod(dir, 0o711), os.Rename(public, secret)); err != nil {
		c.Close()
		return nil, err
	}
	return &NotifySocket{c, secret}, nil
}

// removeStale removes the directories of processes that were killed. A socket is
// stale if the kernel refuses a connection to it. An empty directory may be about
// to get its socket: it is stale after a minute.
func removeStale(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, notifyPrefix+"*"))
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) == 0 && time.Since(info.ModTime()) < time.Minute {
			continue
		}
		for _, entry := range entries {
			path := filepath.Join(dir, entry.Name())
			if c, err := net.Dial("unixgram", path); err == nil {
				c.Close()
			} else if errors.Is(err, unix.ECONNREFUSED) {
				os.Remove(path)
			}
		}
		os.Remove(dir) // fails if it is not empty
	}
}

// Close removes the socket and its directory. It works without free descriptors.
func (n *NotifySocket) Close() error {
	return errors.Join(n.UnixConn.Close(), os.Remove(n.Path), os.Remove(filepath.Dir(n.Path)))
}

// Listen calls ready when the worker sends READY=1. It reads until the socket is
// closed, since a worker that sends more than is read would block.
func (n *NotifySocket) Listen(ready func()) {
	datagram := make([]byte, 4096)
	for {
		size, err := n.Read(datagram)
		if err != nil {
			return
		}
		if saysReady(string(datagram[:size])) {
			ready()
		}
	}
}

// saysReady reports whether a datagram of sd_notify(3) contains READY=1.
func saysReady(datagram string) bool {
	return slices.Contains(strings.Split(datagram, "\n"), "READY=1")
}

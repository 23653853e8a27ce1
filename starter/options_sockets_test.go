package starter

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/starter/internal/sock"
	"golang.org/x/sys/unix"
)

// listenOn opens a port or, with a slash in it, a path, for one test.
func listenOn(t *testing.T, port string) *sock.Socket {
	t.Helper()
	s := held(t, port)
	t.Cleanup(s.Close)
	return s
}

// held is a listening socket as a service manager would pass it: a plain
// descriptor, in non-blocking mode.
func held(t *testing.T, port string) *sock.Socket {
	t.Helper()
	ports, paths := []string{port}, []string(nil)
	if strings.Contains(port, "/") {
		ports, paths = nil, []string{port}
	}
	addresses, err := sock.ParseAll(ports, paths, false)
	if err != nil {
		t.Fatal(err)
	}
	sockets, err := sock.Binding{Backlog: sock.MaxBacklog, Mode: 0o777, UID: -1, GID: -1}.OpenAll(addresses, nil)
	if err != nil {
		t.Fatal(err)
	}
	unix.SetNonblock(sockets[0].Descriptor, true)
	return sockets[0]
}

// bound returns a socket that a worker has bound itself: it listens, and passes a
// copy.
func bound(t *testing.T, network, address string) (fd int, name string) {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw, err := l.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	fd, err = unix.FcntlInt(raw.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd, l.Addr().String()
}

// inodeOf returns the inode of a descriptor, or 0 if it is closed.
func inodeOf(fd int) uint64 {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return 0
	}
	return uint64(st.Ino)
}

// link returns the text of the link /proc/PID/fd/N of a socket.
func link(s *sock.Socket) string { return fmt.Sprintf("socket:[%d]", s.Inode) }

// Not parallel: another test could be given the port that was closed.
func TestNewOpensAllOrNothing(t *testing.T) {
	held := listenOn(t, "127.0.0.1:0")
	path := filepath.Join(t.TempDir(), "sock")
	_, err := New(Options{Ports: []string{fmt.Sprintf("127.0.0.1:%d", held.Bound.Port())}, Paths: []string{path}})
	if !errors.Is(err, unix.EADDRINUSE) {
		t.Fatal(err)
	}
	if exists(path) {
		t.Error("the path was left behind")
	}
}

func TestThePathsModeAndOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sock")
	s, err := New(Options{Paths: []string{path}, SocketMode: 0o640})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

package sock

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// listenOn opens a port or, with a slash in it, a path, for one test.
func listenOn(t *testing.T, port string) *Socket {
	t.Helper()
	s, err := plain(MaxBacklog).open(addressOf(t, port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// addressOf parses a port, a dual stack port after "dual ", or a path.
func addressOf(t *testing.T, port string) Address {
	t.Helper()
	if strings.Contains(port, "/") {
		a, err := ParsePath(port)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	port, dual := strings.CutPrefix(port, "dual ")
	a, err := ParsePort(port)
	if err != nil {
		t.Fatal(err)
	}
	if dual {
		a = a.DualStack()
	}
	return a
}

// answers reports whether a connection to host at the port of the socket arrives in
// its queue. Another process may have the port on a host where the socket does not
// listen.
func (s *Socket) answers(network, host string) bool {
	to := net.JoinHostPort(host, fmt.Sprint(s.Bound.Port()))
	if s.Network == "unix" {
		to = s.Path
	}
	c, err := net.Dial(network, to)
	if err != nil {
		return false
	}
	defer c.Close()
	return s.queued()
}

// queued accepts a connection, and reports whether one came in time. A connection
// that another socket has got does not come.
func (s *Socket) queued() bool {
	fds := []unix.PollFd{{Fd: int32(s.Descriptor), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 5000)
	for err == unix.EINTR { // the runtime sends signals
		n, err = unix.Poll(fds, 5000)
	}
	if err != nil || n == 0 {
		return false
	}
	fd, _, err := unix.Accept(s.Descriptor)
	if err != nil {
		return false
	}
	unix.Close(fd)
	return true
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func needIPv6(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip("this system has no IPv6")
	}
	l.Close()
}

func TestAddressesOfAPort(t *testing.T) {
	t.Parallel()
	needIPv6(t)
	for _, test := range []struct {
		port   string
		v4, v6 bool
	}{
		{"0", true, false},
		{"dual 0", true, true},
		{"[::]:0", false, true},
		{"[::1]:0", false, true},
		{"127.0.0.1:0", true, false},
		{"localhost:0", true, false}, // start_server: the IPv4 address of a name
	} {
		s := listenOn(t, test.port)
		if s.Bound.Port() == 0 {
			t.Errorf("%s: no port was chosen", test.port)
		}
		if got := s.answers("tcp", "127.0.0.1"); got != test.v4 {
			t.Errorf("%s answers IPv4: %v", test.port, got)
		}
		if got := s.answers("tcp", "::1"); got != test.v6 {
			t.Errorf("%s answers IPv6: %v", test.port, got)
		}
	}
}

func TestUDPReceives(t *testing.T) {
	t.Parallel()
	needIPv6(t)
	for _, port := range []string{"u0", "dual u0", "[::1]:u0"} {
		s := listenOn(t, port)
		host := "127.0.0.1"
		if strings.HasPrefix(port, "[") {
			host = "::1"
		}
		c, err := net.Dial("udp", net.JoinHostPort(host, fmt.Sprint(s.Bound.Port())))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "hello")
		b := make([]byte, 16)
		unix.SetsockoptTimeval(s.Descriptor, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10})
		n, _, err := unix.Recvfrom(s.Descriptor, b, 0)
		for err == unix.EINTR { // the runtime sends signals
			n, _, err = unix.Recvfrom(s.Descriptor, b, 0)
		}
		if err != nil || string(b[:n]) != "hello" {
			t.Errorf("%s received %q, %v", port, b[:max(n, 0)], err)
		}
	}
}

// Perl and prefork workers need blocking sockets. A child must not inherit a socket
// by accident.
func TestSocketsBlockAndCloseOnExec(t *testing.T) {
	t.Parallel()
	for _, port := range []string{"0", "dual 0", "u0", filepath.Join(t.TempDir(), "sock")} {
		s := listenOn(t, port)
		if flags, err := unix.FcntlInt(uintptr(s.Descriptor), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
			t.Errorf("%s: flags %#x, %v", port, flags, err)
		}
		if flags, err := unix.FcntlInt(uintptr(s.Descriptor), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s: descriptor flags %#x, %v", port, flags, err)
		}
		var st unix.Stat_t
		if err := unix.Fstat(s.Descriptor, &st); err != nil || st.Ino != s.Inode {
			t.Errorf("%s: inode %d, taken for %d", port, st.Ino, s.Inode)
		}
	}
}

// Not parallel: a child that another test forks has every descriptor until
// it executes its program, and may be reported as the holder.
func TestInUseNamesTheHolder(t *testing.T) {
	needIPv6(t)
	path := filepath.Join(t.TempDir(), "sock")
	for _, test := range [][2]string{ // the first one is open, the second is tried
		{"0", "%d"}, {"0", "127.0.0.1:%d"}, {"127.0.0.1:0", "%d"}, {"0", "dual %d"}, {"dual 0", "%d"}, {"[::]:0", "dual %d"},
		{"u0", "u%d"}, {"dual u0", "u%d"}, {path, path},
	} {
		first := listenOn(t, test[0])
		second := test[1]
		if strings.Contains(second, "%d") {
			second = fmt.Sprintf(second, first.Bound.Port())
		}
		a := addressOf(t, second)
		_, err := plain(MaxBacklog).open(a)
		var inUse *AddressError
		if !errors.As(err, &inUse) || inUse.Address != a || !errors.Is(err, unix.EADDRINUSE) || inUse.Hint() == "" {
			t.Errorf("%s beside %s: %v", second, test[0], err)
			continue
		}
		if want := fmt.Sprintf("pid %d (%s", os.Getpid(), os.Args[0]); runtime.GOOS == "linux" && !strings.Contains(inUse.Error(), " in use by "+want[:min(len(want), 60)]) {
			t.Errorf("%s: %v, want %q", second, inUse, want)
		}
		first.Close()
	}
}

// Not parallel: another test could be given the port that was closed.
func TestOneBadPortClosesAll(t *testing.T) {
	held := listenOn(t, "127.0.0.1:0")
	path := filepath.Join(t.TempDir(), "sock")
	free := listenOn(t, "127.0.0.1:0")
	again := addressOf(t, fmt.Sprintf("127.0.0.1:%d", free.Bound.Port()))
	free.Close()
	_, err := plain(8).OpenAll([]Address{again, addressOf(t, path), held.BoundAddress()}, nil)
	if !errors.Is(err, unix.EADDRINUSE) {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the path was left behind: %v", err)
	}
	s, err := plain(8).open(again)
	if err != nil {
		t.Fatalf("the port was left behind: %v", err)
	}
	s.Close()
}

func TestAnUnknownHost(t *testing.T) {
	t.Parallel()
	_, err := plain(8).open(addressOf(t, "no such host:80"))
	if err == nil || !strings.Contains(err.Error(), `resolving the host of port "no such host:80"`) {
		t.Error(err)
	}
	// An address of another machine.
	if _, err := plain(8).open(addressOf(t, "192.0.2.1:80")); !errors.Is(err, unix.EADDRNOTAVAIL) || !strings.HasPrefix(err.Error(), "binding 192.0.2.1:80: ") {
		t.Error(err)
	}
}

func TestAPortThatNeedsPrivilege(t *testing.T) {
	t.Parallel()
	err := forbidden(addressOf(t, "80"))
	if !errors.Is(err, unix.EACCES) || err.Error() != "port 80 needs privilege: permission denied" {
		t.Error(err)
	}
}

// Not parallel: see TestInUseNamesTheHolder.
func TestAPathThatIsAlive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = plain(8).open(addressOf(t, path))
	if !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("%v, want one of use", err)
	} else if runtime.GOOS == "linux" && !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("%v, want an error that names this process", err)
	}
	if c, err := net.Dial("unix", path); err != nil {
		t.Errorf("the live socket was harmed: %v", err)
	} else {
		c.Close()
	}
}

// A server with a full queue does not answer, but it runs.
func TestAPathWithAFullQueueIsAlive(t *testing.T) {
	t.Parallel()
	s, err := plain(0).open(addressOf(t, filepath.Join(t.TempDir(), "sock")))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 2 {
		c, err := net.Dial("unix", s.Path)
		if err != nil {
			break
		}
		defer c.Close()
	}
	if _, err := plain(8).open(s.Address); !errors.Is(err, unix.EADDRINUSE) {
		t.Error(err)
	}
}

// Not parallel: a child that another test forks has every descriptor until
// it executes its program, and keeps the socket alive.
func TestADeadPathIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	s := listenOn(t, path)
	if !s.answers("unix", "") {
		t.Error("it does not answer")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o777 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	s.Close()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the path was left behind: %v", err)
	}
}

func TestAFileThatIsNotASocketIsNotRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	os.WriteFile(file, []byte("precious"), 0o644)
	os.Symlink(filepath.Join(dir, "nowhere"), link)
	for _, path := range []string{file, link, dir} {
		_, err := plain(8).open(addressOf(t, path))
		if err == nil || !strings.Contains(err.Error(), "not a socket; nothing was removed") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("the file is %q, %v", b, err)
	}
	if _, err := os.Lstat(link); err != nil {
		t.Error(err)
	}
	if _, err := plain(8).open(addressOf(t, filepath.Join(dir, "no", "dir"))); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestAPathOfAnotherProcessIsNotRemoved(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sock")
	s := listenOn(t, path)
	os.Remove(path)
	other, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	s.Close()
	if c, err := net.Dial("unix", path); err != nil {
		t.Errorf("the other's socket was removed: %v", err)
	} else {
		c.Close()
	}
}

func TestOnlyASharedPortIsBoundAgain(t *testing.T) {
	for _, share := range []bool{false, true} {
		b := plain(8)
		b.ReusePort = share
		sockets, err := b.OpenAll([]Address{addressOf(t, "127.0.0.1:0")}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer closeAll(sockets)
		fd, err := newSocket(unix.AF_INET, unix.SOCK_STREAM)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		_, to := sockaddr(sockets[0].Bound.Addr(), int(sockets[0].Bound.Port()))
		if err := unix.Bind(fd, to); (err == nil) != share {
			t.Errorf("ReusePort is %v; binding it again: %v", share, err)
		}
	}
}

// plain returns the default binding.
func plain(backlog int) Binding {
	return Binding{Backlog: backlog, Mode: 0o777, UID: -1, GID: -1}
}

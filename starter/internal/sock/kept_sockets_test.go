package sock

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// bound listens as a worker does, and returns a copy of the descriptor.
func bound(t *testing.T, network, address string) (fd int, name string) {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
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

func TestSatisfies(t *testing.T) {
	t.Parallel()
	needIPv6(t)
	dir := t.TempDir()
	for _, test := range []struct {
		own, network, address string // %d is the port
		want                  bool
	}{
		{"0", "tcp", "[::]:%d", true}, // what ":8080" is in Go
		{"0", "tcp4", "0.0.0.0:%d", true},
		{"0", "tcp4", "127.0.0.1:%d", true},
		{"0", "tcp6", "[::]:%d", false},
		{"0", "tcp6", "[::1]:%d", false},
		{"0", "tcp", "[::1]:%d", false},
		{"0", "tcp", "[::]:1", false},
		{"0", "udp", "[::]:%d", false},
		{"0", "unix", "0", false},
		{"dual 0", "tcp", "[::]:%d", true},
		{"dual 0", "tcp4", "0.0.0.0:%d", true},
		{"dual 0", "tcp4", "127.0.0.1:%d", true},
		{"dual 0", "tcp6", "[::]:%d", true},
		{"dual 0", "tcp6", "[::1]:%d", true},
		{"[::]:0", "tcp6", "[::]:%d", true},
		{"[::]:0", "tcp6", "[::1]:%d", true},
		{"[::]:0", "tcp", "[::]:%d", true},
		{"[::]:0", "tcp4", "127.0.0.1:%d", false},
		{"[::]:0", "tcp4", "0.0.0.0:%d", false},
		{"127.0.0.1:0", "tcp4", "127.0.0.1:%d", true},
		{"127.0.0.1:0", "tcp", "[::]:%d", true},
		{"127.0.0.1:0", "tcp4", "127.0.0.2:%d", false},
		{"[::1]:0", "tcp6", "[::1]:%d", true},
		{"u0", "tcp4", "0.0.0.0:%d", false},
		{"u0", "udp4", "0.0.0.0:%d", false},
		{dir + "/a b", "unix", dir + "/a b", true},
		{dir + "/c", "unix", dir + "/d", false},
		{dir + "/e", "tcp", "[::]:80", false},
		{"0", "tcp", "nonsense", false},
		{"0", "", "", false},
	} {
		s := listenOn(t, test.own)
		address := test.address
		if strings.Contains(address, "%d") {
			address = fmt.Sprintf(address, s.Bound.Port())
		}
		if got := s.satisfies(test.network, address); got != test.want {
			t.Errorf("a socket of %q covers %s %s: %v", test.own, test.network, address, got)
		}
		s.Close()
	}
}

func TestTheTablePrefersItsOwn(t *testing.T) {
	t.Parallel()
	s := listenOn(t, "127.0.0.1:0")
	l := Table{Own: []*Socket{s}}
	if got := l.Want(1, "tcp4", s.Local); got != s {
		t.Errorf("got %+v", got)
	}
	l.ReleaseOlder(2)
	l.ReleaseOnly(1)
	if got := l.Want(1, "tcp4", s.Local); got != s {
		t.Errorf("after a generation has gone: %+v", got)
	}
	if got := l.Want(1, "tcp4", "127.0.0.1:1"); got != nil {
		t.Errorf("another port: %+v", got)
	}
}

func TestSocketsFromWorkersAreKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b")
	for _, test := range [][2]string{{"tcp4", "127.0.0.1:0"}, {"unix", path}} {
		fd, name := bound(t, test[0], test[1])
		inode := inodeOf(fd)
		l := &Table{}
		if _, _, err := l.Keep(1, test[0], name, fd); err != nil {
			t.Fatal(err)
		}
		l.ReleaseOlder(1)
		s := l.Want(2, test[0], name)
		if s == nil || s.Inode != inode || s.Descriptor != fd {
			t.Fatalf("%s %s: got %+v", test[0], name, s)
		}
		l.ReleaseOlder(2) // generation 2 uses it: it stays
		if s := l.Want(3, test[0], name); s == nil || s.Inode != inode {
			t.Fatalf("after it was settled: %+v", s)
		}
		l.ReleaseOnly(3) // 2 still does
		if inodeOf(fd) != inode {
			t.Fatal("it was closed while the current generation uses it")
		}
		l.ReleaseOlder(4) // which did not ask for it
		if inodeOf(fd) == inode || l.Want(4, test[0], name) != nil {
			t.Error("it was kept though nobody uses it")
		}
		l.Close()
	}
}

func TestSocketsOfAFailedGenerationAreReleased(t *testing.T) {
	t.Parallel()
	l := &Table{}
	defer l.Close()
	old, oldName := bound(t, "tcp4", "127.0.0.1:0")
	oldInode := inodeOf(old)
	l.Keep(1, "tcp4", oldName, old)
	l.ReleaseOlder(1)
	fd, name := bound(t, "tcp4", "127.0.0.1:0")
	inode := inodeOf(fd)
	l.Want(2, "tcp4", oldName)
	l.Keep(2, "tcp4", name, fd)
	l.ReleaseOnly(2)
	if inodeOf(fd) == inode || l.Want(3, "tcp4", name) != nil {
		t.Error("the socket of a generation that failed is kept")
	}
	if inodeOf(old) != oldInode {
		t.Error("the socket of the current generation is closed")
	}
}

func TestTheSameSocketIsKeptOnce(t *testing.T) {
	t.Parallel()
	own := listenOn(t, "127.0.0.1:0")
	l := &Table{Own: []*Socket{own}}
	defer func() { l.Own = nil; l.Close() }()
	fd, name := bound(t, "tcp4", "127.0.0.1:0")
	for generation := 1; generation < 2*maxGiven; generation++ {
		for _, s := range []struct {
			Descriptor int
			name       string
		}{{fd, name}, {own.Descriptor, own.Local}} {
			copied, err := unix.FcntlInt(uintptr(s.Descriptor), unix.F_DUPFD_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := l.Keep(generation, "tcp4", s.name, copied); err != nil {
				t.Fatal(err)
			}
		}
	}
	unix.Close(fd)
	if len(l.Given) != 1 {
		t.Errorf("it is kept %d times", len(l.Given))
	}
	l.ReleaseOlder(2*maxGiven - 1)
	if l.Want(2*maxGiven, "tcp4", name) == nil {
		t.Error("its last user is not known")
	}
}

func TestTheTableRefuses(t *testing.T) {
	t.Parallel()
	listening, name := bound(t, "tcp4", "127.0.0.1:0")
	_, port, _ := net.SplitHostPort(name)
	path := filepath.Join(t.TempDir(), "sock")
	unixFD, _ := bound(t, "unix", path)
	deaf, err := newSocket(unix.AF_INET, unix.SOCK_STREAM)
	if err != nil {
		t.Fatal(err)
	}
	udp := listenOn(t, "127.0.0.1:u0")
	file, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, test := range []struct {
		name             string
		network, address string
		Descriptor       int
		want             string
	}{
		{"a file", "tcp", "[::]:80", int(file.Fd()), "it is not a listening socket"},
		{"a socket that does not listen", "tcp4", "0.0.0.0:0", deaf, "it is not a listening socket"},
		{"a UDP socket", "udp4", udp.Local, udp.Descriptor, "it is not a listening socket"},
		{"another address", "tcp4", "127.0.0.2:" + port, listening, `it is bound to "` + name + `"`},
		{"another network", "unix", name, listening, `it is bound to "` + name + `"`},
		{"a network of its own", "x", name, listening, `it is bound to "` + name + `"`},
		{"another path", "unix", path + "x", unixFD, `it is bound to "` + path + `"`},
		{"a path for a port", "tcp", path, unixFD, `it is bound to "` + path + `"`},
	} {
		l := &Table{}
		fd, err := unix.FcntlInt(uintptr(test.Descriptor), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = l.Keep(1, test.network, test.address, fd)
		want := fmt.Sprintf("keeping the socket of %s %s: %s", test.network, test.address, test.want)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", test.name, err, want)
		}
		if len(l.Given) != 0 {
			t.Errorf("%s was kept", test.name)
		}
	}
	unix.Close(listening)
	unix.Close(unixFD)
	unix.Close(deaf)
}

func TestTheTableIsBounded(t *testing.T) {
	t.Parallel()
	l := &Table{}
	defer l.Close()
	for range maxGiven {
		fd, name := bound(t, "tcp4", "127.0.0.1:0")
		if _, _, err := l.Keep(1, "tcp4", name, fd); err != nil {
			t.Fatal(err)
		}
	}
	fd, name := bound(t, "tcp4", "127.0.0.1:0")
	inode := inodeOf(fd)
	if _, _, err := l.Keep(1, "tcp4", name, fd); err == nil || !strings.HasSuffix(err.Error(), "there are 64 already") {
		t.Error(err)
	}
	if inodeOf(fd) == inode {
		t.Error("the one too many is open")
	}
}

func TestPortZeroIsTheSamePortAgain(t *testing.T) {
	l := &Table{}
	defer l.Close()
	var sockets []*Socket
	for range 2 {
		if l.Want(1, "tcp4", "127.0.0.1:0") != nil {
			t.Fatal("a socket before there was one")
		}
		fd, name := bound(t, "tcp4", "127.0.0.1:0")
		s, _, err := l.Keep(1, "tcp4", name, fd)
		if err != nil {
			t.Fatal(err)
		}
		sockets = append(sockets, s)
	}
	if doubtful := l.Ambiguous(1); doubtful != nil {
		t.Errorf("doubtful: %d", doubtful)
	}
	fd, name := bound(t, "tcp4", "127.0.0.1:0") // wanted by its number, not as port 0
	l.Want(1, "tcp4", name)
	if _, _, err := l.Keep(1, "tcp4", name, fd); err != nil {
		t.Fatal(err)
	}
	for i, want := range append(sockets, nil) {
		if got := l.Want(2, "tcp4", "127.0.0.1:0"); got != want {
			t.Errorf("want %d of the next generation gave %v", i+1, got)
		}
	}
	if got := l.Want(2, "tcp4", "127.0.0.2:0"); got != nil {
		t.Errorf("another host gave %v", got)
	}
}

// Several listeners on port 0 are distinguished by the place in the program that asks,
// unless several goroutines ask there.
func TestPortZeroBelongsToItsPlaceInTheProgram(t *testing.T) {
	l := &Table{}
	defer l.Close()
	asks := func(generation int, key string) (inode uint64) {
		t.Helper()
		if s := l.Want(generation, "tcp4", "127.0.0.1:0 "+key); s != nil {
			return s.Inode
		}
		fd, name := bound(t, "tcp4", "127.0.0.1:0")
		s, _, err := l.Keep(generation, "tcp4", name, fd)
		if err != nil {
			t.Fatal(err)
		}
		return s.Inode
	}
	a, b, c := asks(1, "a.0"), asks(1, "b.0"), asks(1, "b.0")
	if got, want := []uint64{asks(2, "b.0"), asks(2, "a.0"), asks(2, "b.0")}, []uint64{b, a, c}; !slices.Equal(got, want) {
		t.Errorf("sockets %d, want %d", got, want)
	}
	if l.Ambiguous(2) != nil {
		t.Error("one goroutine is in doubt")
	}
	d := asks(2, "b.1")
	if got, want := l.Ambiguous(2), []uint64{b, c, d}; !slices.Equal(got, want) {
		t.Errorf("in doubt are %d, want %d", got, want)
	}
}

// A service manager, a worker and an option may write the path of one socket in
// different ways.
func TestOnePathIsOneSocketHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	os.Mkdir(filepath.Join(dir, "run"), 0o777)
	os.Symlink("run", filepath.Join(dir, "var"))
	path, other := filepath.Join(dir, "run", "sock"), filepath.Join(dir, "var", "sock")

	own := listenOn(t, path)
	for _, address := range []string{path, other, dir + "/./run//sock"} {
		if !own.satisfies("unix", address) {
			t.Errorf("%s is not %s", address, path)
		}
	}
	if own.satisfies("unixpacket", path) {
		t.Error("a stream is taken for packets")
	}
	if !own.matches(Address{Network: "unix", Path: other}) {
		t.Error("an inherited socket is not known by another path")
	}

	l := &Table{}
	fd, _ := bound(t, "unix", filepath.Join(dir, "run", "given"))
	if _, _, err := l.Keep(1, "unix", filepath.Join(dir, "var", "given"), fd); err != nil {
		t.Fatal(err)
	}
	if l.Want(2, "unix", filepath.Join(dir, "run", "given")) == nil {
		t.Error("a given socket is not known by another path")
	}
	packets, _ := bound(t, "unixpacket", filepath.Join(dir, "packets"))
	if _, _, err := l.Keep(1, "unixpacket", filepath.Join(dir, "packets"), packets); err != nil {
		t.Fatal(err)
	}
	if l.Want(2, "unix", filepath.Join(dir, "packets")) != nil || l.Want(2, "unixpacket", filepath.Join(dir, "packets")) == nil {
		t.Error("packets are taken for a stream")
	}
	l.Close()
	if exists(filepath.Join(dir, "run", "given")) || exists(filepath.Join(dir, "packets")) {
		t.Error("a path is left behind")
	}
}

// A worker sends the absolute form of a path that it has bound in its working
// directory.
func TestARelativePathIsKept(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	fd, _ := bound(t, "unix", "sock")
	t.Chdir(t.TempDir())
	l := &Table{}
	defer l.Close()
	if _, _, err := l.Keep(1, "unix", filepath.Join(dir, "sock"), fd); err != nil {
		t.Fatal(err)
	}
	if s := l.Want(2, "unix", filepath.Join(dir, "sock")); s == nil || !s.isReachable() {
		t.Errorf("got %+v", s)
	}
	if os.Remove(filepath.Join(dir, "sock")); l.Want(2, "unix", filepath.Join(dir, "sock")) == nil || !exists(filepath.Join(dir, "sock")) {
		t.Error("it was not put back")
	}
}

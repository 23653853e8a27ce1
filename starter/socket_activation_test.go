package starter

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestInheritedSocketsAreUsed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sock")
	tcp, udp, sock := held(t, "127.0.0.1:0"), held(t, "127.0.0.1:u0"), held(t, path)
	s, err := New(Options{
		Ports:     []string{fmt.Sprintf("127.0.0.1:u%d", udp.Bound.Port()), "127.0.0.1:0", fmt.Sprintf("127.0.0.1:%d", tcp.Bound.Port())},
		Paths:     []string{path},
		Inherited: []int{tcp.Descriptor, udp.Descriptor, sock.Descriptor},
	})
	if err != nil {
		t.Fatal(err)
	}
	own := s.kept.Own
	if own[0].Descriptor != udp.Descriptor || own[2].Descriptor != tcp.Descriptor || own[3].Descriptor != sock.Descriptor || own[1].Descriptor == tcp.Descriptor {
		t.Errorf("%v", own)
	}
	if flags, _ := unix.FcntlInt(uintptr(tcp.Descriptor), unix.F_GETFL, 0); flags&unix.O_NONBLOCK != 0 {
		t.Error("it does not block")
	}
	s.Close()
	if !exists(path) {
		t.Error("the path of another's socket was removed")
	}
}

func TestAPortWithoutHostMatchesAnInheritedDualStackSocket(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.(*net.TCPListener).File()
	l.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Ports: []string{port}, Inherited: []int{fd}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.kept.Own[0].Descriptor != fd || s.kept.Own[0].Key != port {
		t.Errorf("%+v", s.kept.Own[0])
	}
}

func TestAnUnusedInheritedSocketIsRefused(t *testing.T) {
	t.Parallel()
	tcp := held(t, "127.0.0.1:0")
	defer tcp.Close()
	_, err := New(Options{Ports: []string{"127.0.0.1:0"}, Inherited: []int{tcp.Descriptor}})
	var unmatched *AddressError
	if !errors.As(err, &unmatched) || !strings.Contains(err.Error(), " "+tcp.Local+" ") || unmatched.Hint() != fmt.Sprintf("use it: --port=127.0.0.1:%d", tcp.Bound.Port()) {
		t.Errorf("%v", err)
	}
}

func TestAnInheritedFileIsRefused(t *testing.T) {
	t.Parallel()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := New(Options{Inherited: []int{int(f.Fd())}}); err == nil || !strings.Contains(err.Error(), "using the inherited descriptor") {
		t.Error(err)
	}
}

func TestActivationSocketsAreForThisProcess(t *testing.T) {
	for _, test := range []struct {
		pid, count string
		want       int
		bad        bool
	}{
		{fmt.Sprint(os.Getpid()), "0", 0, false},
		{fmt.Sprint(os.Getpid() + 1), "2", 0, false},
		{"", "2", 0, false},
		{fmt.Sprint(os.Getpid()), "two", 0, true},
		{fmt.Sprint(os.Getpid()), "-1", 0, true},
	} {
		t.Setenv("LISTEN_PID", test.pid)
		t.Setenv("LISTEN_FDS", test.count)
		fds, err := ActivationSockets()
		if len(fds) != test.want || (err != nil) != test.bad {
			t.Errorf("%s for %s: %v, %v", test.count, test.pid, fds, err)
		}
		if v, ok := os.LookupEnv("LISTEN_FDS"); ok {
			t.Errorf("LISTEN_FDS=%s is left", v)
		}
	}
}

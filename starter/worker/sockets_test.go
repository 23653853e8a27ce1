package worker

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

func TestListenReturnsTheInheritedSocket(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "unix"} {
		fd, address := rawSocket(t, network)
		p := inheriting(t, map[string]int{address: fd})
		l, err := p.listen(network, address)
		check(t, "listening", err)
		go func() {
			if conn, err := l.Accept(); err == nil {
				conn.Write([]byte("inherited"))
				conn.Close()
			}
		}()
		conn, err := net.Dial(network, address)
		check(t, "dialing", err)
		got := make([]byte, 9)
		if _, err := conn.Read(got); err != nil || string(got) != "inherited" {
			t.Errorf("%s: read %q, %v", network, got, err)
		}
		conn.Close()
		l.Close()
		if _, err := os.Stat(address); network == "unix" && err != nil {
			t.Errorf("closing an inherited listener took its path away: %v", err)
		}
	}
}

func TestListenBindsOtherAddresses(t *testing.T) {
	t.Parallel()
	for _, p := range []*process{
		inheriting(t, nil),
		newProcess(environment(nil), os.Getpid()),
	} {
		path := t.TempDir() + "/s"
		l, err := p.listen("unix", path)
		check(t, "listening", err)
		l.Close()
		if _, err := os.Stat(path); err == nil {
			t.Error("the path of an own socket is there after Close; package net removes it")
		}
	}
}

// If a program removes the path before it listens, as net.Listen needs it, Listen restores the path.
func TestListenRestoresThePath(t *testing.T) {
	t.Parallel()
	fd, path := rawSocket(t, "unix")
	spare := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".hotstart-"+strconv.Itoa(os.Getppid()))
	check(t, "linking", os.Link(path, spare))
	p := inheriting(t, map[string]int{path: fd})
	check(t, "removing", os.Remove(path))
	l, err := p.listen("unix", path)
	check(t, "listening", err)
	defer l.Close()
	c, err := net.Dial("unix", path)
	check(t, "connecting", err)
	c.Close()
}

func TestListenHandsOutASocketOnce(t *testing.T) {
	t.Parallel()
	fd, address := rawSocket(t, "tcp")
	p := inheriting(t, map[string]int{address: fd})
	l, err := p.listen("tcp", address)
	check(t, "listening", err)
	defer l.Close()
	if again, err := p.listen("tcp", address); err == nil {
		t.Errorf("listening on %s again gave %v", address, again.Addr())
	}
}

func TestTakePrefersTheExactSocket(t *testing.T) {
	t.Parallel()
	wide, near := socket(t, syscall.AF_INET, syscall.SOCK_STREAM), socket(t, syscall.AF_INET, syscall.SOCK_STREAM)
	for _, fd := range []int{wide, near} { // otherwise the second could not be bound
		check(t, "setting", syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	}
	check(t, "binding", syscall.Bind(wide, &syscall.SockaddrInet4{}))
	bound, err := syscall.Getsockname(wide)
	check(t, "getsockname", err)
	number := bound.(*syscall.SockaddrInet4).Port
	check(t, "binding", syscall.Bind(near, &syscall.SockaddrInet4{Port: number, Addr: [4]byte{127, 0, 0, 1}}))

	q, err := resolve("tcp", "127.0.0.1:"+strconv.Itoa(number))
	check(t, "asking", err)
	s := inherit([]port{{fd: wide}, {fd: near}})
	if fd, ok := s.take(q); !ok || fd != near {
		t.Errorf("took %d (%v) first, want %d", fd, ok, near)
	}
	if fd, ok := s.take(q); !ok || fd != wide {
		t.Errorf("took %d (%v) then, want %d", fd, ok, wide)
	}
	if fd, ok := s.take(q); ok || !s.empty() {
		t.Errorf("took %d after the last", fd)
	}
}

func TestListenRefusesAMalformedEnvironment(t *testing.T) {
	t.Parallel()
	p := newProcess(environment(map[string]string{portsVariable: "8080"}), os.Getpid())
	if l, err := p.listen("tcp", "127.0.0.1:0"); err == nil {
		t.Errorf("listening gave %v", l.Addr())
	}
	if c, err := p.listenPacket("udp", "127.0.0.1:0"); err == nil {
		t.Errorf("listening gave %v", c.LocalAddr())
	}
}

// A child may inherit the variables of its parent, and have another file at that descriptor.
func TestListenSkipsOtherDescriptors(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	check(t, "making a pipe", err)
	defer r.Close()
	defer w.Close()
	fd := dup(t, int(r.Fd()))
	defer syscall.Close(fd)
	env := map[string]string{portsVariable: "127.0.0.1:0=" + strconv.Itoa(fd), brokerVariable: strconv.Itoa(fd)}
	p := newProcess(environment(env), os.Getpid())
	l, err := p.listen("tcp", "127.0.0.1:0")
	check(t, "listening", err)
	l.Close()
	if !isOpen(fd) {
		t.Error("the descriptor of somebody else is closed")
	}
}

func TestInheritedDescriptorsAreCloseOnExec(t *testing.T) {
	t.Parallel()
	fd, address := rawSocket(t, "tcp")
	copied := dup(t, fd)
	defer syscall.Close(copied)
	syscall.Syscall(syscall.SYS_FCNTL, uintptr(copied), syscall.F_SETFD, 0)
	newProcess(environment(map[string]string{portsVariable: address + "=" + strconv.Itoa(copied)}), os.Getpid())
	if flags(t, copied, syscall.F_GETFD)&syscall.FD_CLOEXEC == 0 {
		t.Error("a child of the program would hold the socket")
	}
}

func TestListenPacketTellsUDPFromTCP(t *testing.T) {
	t.Parallel()
	stream, address := rawSocket(t, "tcp")
	bound, _ := syscall.Getsockname(stream)
	packet := socket(t, syscall.AF_INET, syscall.SOCK_DGRAM)
	for syscall.Bind(packet, bound) == syscall.EADDRINUSE { // somebody has the UDP port of that number
		stream, address = rawSocket(t, "tcp")
		bound, _ = syscall.Getsockname(stream)
	}
	copies := []int{dup(t, stream), dup(t, packet)}
	env := map[string]string{portsVariable: address + "=" + strconv.Itoa(copies[0]) + ";" + address + "=" + strconv.Itoa(copies[1])}
	p := newProcess(environment(env), os.Getpid())
	c, err := p.listenPacket("udp", address)
	check(t, "listening", err)
	defer c.Close()
	l, err := p.listen("tcp", address)
	check(t, "listening", err)
	defer l.Close()
	if c.LocalAddr().String() != address || l.Addr().String() != address {
		t.Errorf("UDP is %v, TCP %v, both were to be %s", c.LocalAddr(), l.Addr(), address)
	}
	own, err := p.listenPacket("udp", "127.0.0.1:0")
	check(t, "listening", err)
	own.Close()
}

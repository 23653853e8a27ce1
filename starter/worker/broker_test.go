package worker

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter/internal/wire"
)

// pair is a connected pair of unix stream sockets.
func pair(t testing.TB) (a, b *net.UnixConn) {
	t.Helper()
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	check(t, "making a pair", err)
	var conns [2]*net.UnixConn
	for i, fd := range fds {
		conns[i], err = streamPair(fd)
		check(t, "making a connection", err)
		t.Cleanup(func() { conns[i].Close() })
	}
	return conns[0], conns[1]
}

// hotstart plays the other end of the broker for one worker.
type hotstart struct {
	conn *net.UnixConn
	in   *wire.Reader
}

// brokered returns a process with a broker, and the other end of the broker.
func brokered(t testing.TB, env map[string]string) (*process, *hotstart) {
	t.Helper()
	ours, theirs := pair(t)
	raw, err := theirs.SyscallConn()
	check(t, "looking at the connection", err)
	var fd int
	raw.Control(func(n uintptr) { fd = dup(t, int(n)) })
	theirs.Close()
	all := map[string]string{brokerVariable: strconv.Itoa(fd)}
	for key, value := range env {
		all[key] = value
	}
	p := newProcess(environment(all), os.Getpid())
	return p, &hotstart{ours, wire.NewReader(ours)}
}

func (h *hotstart) say(t testing.TB, line string, fd int) {
	t.Helper()
	check(t, "saying "+line, wire.Send(h.conn, line, fd, 10*time.Second))
}

// expect reads a line.
func (h *hotstart) expect(t testing.TB, want string) {
	t.Helper()
	if got, err := h.in.Next(); err != nil || got != want {
		t.Fatalf("the worker said %q, %v; want %q", got, err, want)
	}
}

func TestBrokerIsNotUsedUntilNeeded(t *testing.T) {
	t.Parallel()
	p, h := brokered(t, map[string]string{portsVariable: "8080=1000"})
	check(t, "saying ready", p.ready())
	h.expect(t, "hello 1") // so it said nothing before: hello would have promised to drain
	h.expect(t, "ready")
	check(t, "saying ready again", p.ready())
	h.say(t, "drain", -1)
	h.expect(t, "drained") // and no second ready
}

// The first generation binds the socket and gives hotstart a copy; the second one gets the copy.
func TestBrokerKeepsSockets(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/a b.sock"
	for _, where := range [][2]string{{"unix", path}, {"tcp4", "127.0.0.1:" + freePort(t)}} {
		network, address := where[0], where[1]
		called := name(network + " " + address)
		first, h := brokered(t, nil)
		bound := make(chan net.Listener, 1)
		go func() {
			l, err := first.listen(network, address)
			if err != nil {
				t.Error(err)
			}
			bound <- l
		}()
		h.expect(t, "hello 1")
		h.expect(t, "want "+string(called))
		h.say(t, "none", -1)
		h.expect(t, "keep "+string(called))
		kept, ok := h.in.Take()
		if !ok {
			t.Fatal("keep came without a descriptor")
		}
		await(t, "the first to bind", bound).Close()
		if flags(t, kept, syscall.F_GETFL)&syscall.O_NONBLOCK == 0 {
			t.Error("giving away a copy made the socket blocking")
		}

		second, h := brokered(t, nil)
		go func() {
			l, err := second.listen(network, address)
			if err != nil {
				t.Error(err)
			}
			bound <- l
		}()
		h.expect(t, "hello 1")
		h.expect(t, "want "+string(called))
		h.say(t, "socket", kept)
		l := await(t, "the second to listen", bound)
		conn, err := net.Dial(network, address)
		check(t, "dialing", err)
		accepted, err := l.Accept()
		check(t, "accepting", err)
		accepted.Close()
		conn.Close()
		l.Close()
		if _, err := os.Stat(path); err != nil {
			t.Errorf("the path of a kept socket: %v", err)
		}
		syscall.Close(kept)
	}
}

// freePort returns a port of 127.0.0.1 on which no socket listens. On Linux a socket that is bound to the port, and does
// not listen, reserves it for the test. On other systems another process may get the port first.
func freePort(t testing.TB) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		check(t, "listening", err)
		defer l.Close()
		return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	}
	fd := socket(t, syscall.AF_INET, syscall.SOCK_STREAM)
	check(t, "setting", syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	check(t, "binding", syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	bound, err := syscall.Getsockname(fd)
	check(t, "getsockname", err)
	return strconv.Itoa(bound.(*syscall.SockaddrInet4).Port)
}

func TestBrokerAsksForEachNameOfAnAddress(t *testing.T) {
	t.Parallel()
	p, h := brokered(t, nil)
	fd, _ := rawSocket(t, "tcp")
	got := make(chan bool, 1)
	go func() {
		l, err := p.listen("tcp", ":1")
		if err == nil {
			l.Close()
		}
		got <- err == nil
	}()
	h.expect(t, "hello 1")
	h.expect(t, "want tcp [::]:1")
	h.say(t, "a line of a later version", -1)
	h.say(t, "none", -1)
	h.expect(t, "want tcp4 0.0.0.0:1")
	h.say(t, "socket", fd)
	if !await(t, "the listener", got) {
		t.Error("the socket was not taken")
	}
}

func TestBrokerAnswerWithoutDescriptorIsNone(t *testing.T) {
	t.Parallel()
	p, h := brokered(t, nil)
	h.say(t, "socket", -1)
	got := make(chan error, 1)
	go func() {
		l, err := p.listen("unix", t.TempDir()+"/s")
		if err == nil {
			l.Close()
		}
		got <- err
	}()
	h.expect(t, "hello 1")
	if line, err := h.in.Next(); err != nil || !strings.HasPrefix(line, "want unix ") {
		t.Fatalf("the worker said %q, %v", line, err)
	}
	h.say(t, "socket", -1)
	check(t, "binding after all", await(t, "the listener", got))
}

// If hotstart dies before it answers, the program binds the socket itself.
func TestListenWhenTheBrokerDies(t *testing.T) {
	t.Parallel()
	p, h := brokered(t, nil)
	h.conn.Close()
	l, err := p.listen("tcp", "127.0.0.1:"+freePort(t))
	check(t, "listening", err)
	defer l.Close()
	await(t, "the end of the broker", p.broker().Disconnected)
	if isDone(p.stop.begun) {
		t.Error("the worker drains because hotstart died")
	}
}

func TestNoBrokerKeepsNothing(t *testing.T) {
	t.Parallel()
	var b *broker
	if fd, ok := b.wantAny([]name{"unix /a"}); ok {
		t.Errorf("got descriptor %d", fd)
	}
	if b.keep("unix /a", nil) {
		t.Error("kept")
	}
}

func TestReadyNotifies(t *testing.T) {
	t.Parallel()
	for _, path := range []string{t.TempDir() + "/notify", fmt.Sprintf("@hotstart-worker-test-%d", os.Getpid())} {
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil && path[0] == '@' {
			t.Skipf("this system has no abstract names: %v", err)
		}
		check(t, "listening", err)
		defer conn.Close()
		p := newProcess(environment(map[string]string{notifyVariable: path}), os.Getpid())
		check(t, "saying ready", p.ready())
		var got [64]byte
		n, err := conn.Read(got[:])
		if err != nil || string(got[:n]) != "READY=1" {
			t.Errorf("%s: got %q, %v", path, got[:n], err)
		}
	}
	p := newProcess(environment(map[string]string{notifyVariable: t.TempDir() + "/nobody"}), os.Getpid())
	if err := p.ready(); err == nil {
		t.Error("no error, although no socket receives it")
	}
	check(t, "being ready alone", newProcess(environment(nil), 1).ready())
}

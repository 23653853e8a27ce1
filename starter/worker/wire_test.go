package worker

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
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

// token is a descriptor to pass around. Its other end sees whether a copy is still open anywhere.
type token struct{ watch, hold *os.File }

func newToken(t testing.TB) token {
	t.Helper()
	r, w, err := os.Pipe()
	check(t, "making a pipe", err)
	t.Cleanup(func() { r.Close(); w.Close() })
	return token{r, w}
}

// send sends text with n copies of the token.
func (k token) send(t testing.TB, conn *net.UnixConn, text string, n int) {
	t.Helper()
	_, _, err := conn.WriteMsgUnix([]byte(text), k.rights(n), nil)
	check(t, "sending", err)
}

// rights is the control message for n copies of the token.
func (k token) rights(n int) []byte {
	if n == 0 {
		return nil
	}
	fds := make([]int, n)
	for i := range fds {
		fds[i] = int(k.hold.Fd())
	}
	return syscall.UnixRights(fds...)
}

// checkReleased fails unless all copies but the token's own get closed.
func (k token) checkReleased(t testing.TB) {
	t.Helper()
	k.hold.Close()
	ended := make(chan error, 1)
	go func() {
		_, err := k.watch.Read(make([]byte, 1))
		ended <- err
	}()
	if err := await(t, "the last copy of a descriptor to be closed", ended); err != io.EOF {
		t.Errorf("reading the token: %v", err)
	}
}

func TestWireReadsLines(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	go func() {
		for _, part := range []string{"hel", "lo 1\nrea", "dy\n\nlast\nhalf"} {
			a.Write([]byte(part))
		}
		a.Close()
	}()
	w := &wire{conn: b}
	for _, want := range []string{"hello 1", "ready", "", "last"} {
		if got, err := w.next(); err != nil || got != want {
			t.Fatalf("read %q, %v; want %q", got, err, want)
		}
	}
	if got, err := w.next(); !errors.Is(err, io.EOF) {
		t.Errorf("read %q, %v after the end", got, err)
	}
}

func TestWireBoundsLines(t *testing.T) {
	t.Parallel()
	for length, fits := range map[int]bool{maxLine - 1: true, maxLine: false, 3 * maxLine: false} {
		a, b := pair(t)
		go a.Write([]byte(strings.Repeat("x", length) + "\n"))
		got, err := (&wire{conn: b}).next()
		if fits && (err != nil || len(got) != length) || !fits && (err == nil || errors.Is(err, io.EOF)) {
			t.Errorf("a line of %d bytes: %d, %v", length, len(got), err)
		}
	}
}

func TestWireQueuesDescriptors(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	first, second, surplus := newToken(t), newToken(t), newToken(t)
	first.send(t, a, "socket\n", 1)
	second.send(t, a, "sock", 1)
	second.send(t, a, "et\n", 0)
	surplus.send(t, a, "none\n", 3)
	a.Write([]byte("end\n"))

	w := &wire{conn: b}
	for i, k := range []token{first, second} {
		if line, err := w.next(); err != nil || line != "socket" {
			t.Fatalf("read %q, %v", line, err)
		}
		fd, ok := w.take()
		if !ok {
			t.Fatalf("socket %d came without its descriptor", i)
		}
		syscall.Write(fd, []byte{byte(i)})
		if flags(t, fd, syscall.F_GETFD)&syscall.FD_CLOEXEC == 0 {
			t.Error("a received descriptor is not close-on-exec")
		}
		syscall.Close(fd)
		var got [1]byte
		if _, err := k.watch.Read(got[:]); err != nil || got[0] != byte(i) {
			t.Errorf("descriptor %d is that of %d (%v)", i, got[0], err)
		}
		k.checkReleased(t)
	}
	for range 2 {
		if line, err := w.next(); err != nil {
			t.Fatalf("read %q, %v", line, err)
		}
	}
	surplus.checkReleased(t)
}

// A hostile peer: any bytes, cut anywhere, any number of descriptors with each. Nothing panics, and no
// descriptor stays open.
func FuzzBroker(f *testing.F) {
	f.Add("socket\nnone\ndrain\n", byte(3), byte(1))
	f.Add("socket\nsocket\n", byte(1), byte(0))
	f.Add("none\nnone\n\n\nwhat is this\n", byte(200), byte(40))
	f.Add(strings.Repeat("x", 600), byte(100), byte(2))
	f.Add("", byte(0), byte(0))
	f.Fuzz(func(t *testing.T, text string, cut, fds byte) {
		if len(text) > 4*maxLine {
			return
		}
		a, b := pair(t)
		k := newToken(t)
		broker := openBroker(b, newStop())
		go io.Copy(io.Discard, a)
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			if fd, ok := broker.wantAny([]name{"tcp [::]:1", "tcp4 0.0.0.0:1"}); ok {
				closeDescriptor(fd)
			}
		}()
		for part := max(1, int(cut)); text != ""; {
			n := min(part, len(text))
			if _, _, err := a.WriteMsgUnix([]byte(text[:n]), k.rights(int(fds%40)), nil); err != nil {
				break // it has hung up
			}
			text = text[n:]
		}
		a.CloseWrite()
		await(t, "the broker's end", broker.gone)
		await(t, "the answer", asked)
		k.checkReleased(t)
	})
}

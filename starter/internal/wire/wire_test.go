//go:build unix

package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func check(t testing.TB, doing string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", doing, err)
	}
}

// await receives from c, for at most ten seconds.
func await[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(10 * time.Second):
		t.Fatalf("waiting for %s: not after 10 s", what)
		panic("unreachable")
	}
}

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
		f := os.NewFile(uintptr(fd), "pair")
		c, err := net.FileConn(f)
		f.Close()
		check(t, "making a connection", err)
		conns[i] = c.(*net.UnixConn)
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

func TestReaderReadsLines(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("x", maxLine-1)
	tooLong := ProtocolError("a line is longer than 512 bytes")
	for _, test := range []struct {
		name   string
		pieces []string
		want   []string
		err    error
	}{
		{"a line", []string{"hello 1\n"}, []string{"hello 1"}, io.EOF},
		{"lines in one piece", []string{"hello 1\nready\n"}, []string{"hello 1", "ready"}, io.EOF},
		{"lines in pieces", []string{"he", "llo", " 1", "\nre", "ady\n"}, []string{"hello 1", "ready"}, io.EOF},
		{"an unfinished line", []string{"hello 1\nrea"}, []string{"hello 1"}, io.EOF},
		{"empty lines", []string{"\n\n"}, []string{"", ""}, io.EOF},
		{"bytes that are not text", []string{"\x00\xff \x00\n"}, []string{"\x00\xff \x00"}, io.EOF},
		{"the longest line", []string{longest + "\n"}, []string{longest}, io.EOF},
		{"a line that is too long", []string{"ready\n" + longest + "x\n"}, []string{"ready"}, tooLong},
		{"a line that is far too long", []string{strings.Repeat("x", 3*maxLine) + "\n"}, nil, tooLong},
		{"a line without an end", []string{longest, "x"}, nil, tooLong},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, b := pair(t)
			go func() { // ends with the connection
				for _, piece := range test.pieces {
					a.Write([]byte(piece))
				}
				a.Close()
			}()
			r := NewReader(b)
			for _, want := range test.want {
				if got, err := r.Next(); err != nil || got != want {
					t.Fatalf("read %q, %v; want %q", got, err, want)
				}
			}
			if got, err := r.Next(); !errors.Is(err, test.err) {
				t.Errorf("read %q, %v; want %v", got, err, test.err)
			}
		})
	}
}

func TestReaderQueuesDescriptors(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	first, second, surplus := newToken(t), newToken(t), newToken(t)
	first.send(t, a, "socket\n", 1)
	second.send(t, a, "sock", 1)
	second.send(t, a, "et\n", 0)
	surplus.send(t, a, "none\n", 3)
	a.Write([]byte("end\n"))

	r := NewReader(b)
	for i, k := range []token{first, second} {
		if line, err := r.Next(); err != nil || line != "socket" {
			t.Fatalf("read %q, %v", line, err)
		}
		fd, ok := r.Take()
		if !ok {
			t.Fatalf("socket %d came without its descriptor", i)
		}
		syscall.Write(fd, []byte{byte(i)})
		if flags, _, _ := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0); flags&syscall.FD_CLOEXEC == 0 {
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
		if line, err := r.Next(); err != nil {
			t.Fatalf("read %q, %v", line, err)
		}
	}
	surplus.checkReleased(t)
}

// A line that takes a descriptor must not get one that came with an earlier line.
func TestReaderClosesDescriptorsOfEarlierLines(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	surplus := newToken(t)
	surplus.send(t, a, "ready\n", 1)
	r := NewReader(b)
	if line, err := r.Next(); err != nil || line != "ready" {
		t.Fatalf("read %q, %v", line, err)
	}
	a.Write([]byte("keep tcp :1\n"))
	if line, err := r.Next(); err != nil || line != "keep tcp :1" {
		t.Fatalf("read %q, %v", line, err)
	}
	if _, ok := r.Take(); ok {
		t.Error("keep has the descriptor of ready")
	}
	surplus.checkReleased(t)
}

func TestReaderLimitsDescriptors(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(k token, conn *net.UnixConn){
		"too many in one message": func(k token, conn *net.UnixConn) { k.send(t, conn, "ready\n", maxQueue+8) },
		"too many in one line": func(k token, conn *net.UnixConn) {
			for i := 0; i < 2; i++ {
				k.send(t, conn, "r", maxQueue/2+1)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := pair(t)
			k := newToken(t)
			send(k, a)
			var broken ProtocolError
			if line, err := NewReader(b).Next(); !errors.As(err, &broken) {
				t.Errorf("read %q, %v", line, err)
			}
			k.checkReleased(t)
		})
	}
}

func TestAskIsAnswered(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	c := NewClient(b)
	other := make(chan string, 1)
	go c.Follow(func(line string) { other <- line })
	k := newToken(t)
	for _, answer := range []struct {
		line string
		fds  int
		want string
	}{{"none", 0, "none"}, {"overlap", 0, "overlap"}, {"socket", 1, "socket"}, {"socket", 0, "none"}} {
		got := make(chan int, 1)
		go func() { got <- c.Ask("want tcp [::]:1") }()
		if line, err := NewReader(a).Next(); err != nil || line != "want tcp [::]:1" {
			t.Fatalf("asked %q, %v", line, err)
		}
		k.send(t, a, answer.line+"\n", answer.fds)
		fd := await(t, "the answer", got)
		kind := map[int]string{None: "none", Overlap: "overlap"}[fd]
		if fd >= 0 {
			kind = "socket"
			syscall.Close(fd)
		}
		if kind != answer.want {
			t.Errorf("%s with %d descriptors was understood as %s (%d)", answer.line, answer.fds, kind, fd)
		}
	}
	a.Write([]byte("drain\n"))
	if line := await(t, "another line", other); line != "drain" {
		t.Errorf("read %q", line)
	}
	k.checkReleased(t)
}

// When a question can't be sent, an answer may have come all the same: its descriptor must not stay open.
func TestAskThatCannotBeSentLeavesNothingOpen(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	b.CloseWrite()
	c := NewClient(b)
	go c.Follow(func(string) {})
	k := newToken(t)
	k.send(t, a, "socket\n", 1)
	if fd := c.Ask("want tcp [::]:1"); fd >= 0 {
		syscall.Close(fd)
	}
	await(t, "the end of the connection", c.Disconnected)
	if fd := c.Ask("want tcp [::]:2"); fd != None {
		t.Errorf("after the end: %d", fd)
	}
	k.checkReleased(t)
}

func TestNilClientHasNoBroker(t *testing.T) {
	t.Parallel()
	var c *Client
	if fd, err := c.Ask("want tcp [::]:1"), c.Say("ready", -1); fd != None || err == nil {
		t.Error(fmt.Sprint(fd, err))
	}
}

// A hostile peer: any bytes, cut anywhere, any number of descriptors with each. Nothing panics, and no
// descriptor stays open.
func FuzzClient(f *testing.F) {
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
		c := NewClient(b)
		go c.Follow(func(string) {})
		go io.Copy(io.Discard, a)
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			for _, question := range []string{"want tcp [::]:1", "want tcp4 0.0.0.0:1"} {
				if fd := c.Ask(question); fd >= 0 {
					syscall.Close(fd)
				}
			}
		}()
		for part := max(1, int(cut)); text != ""; {
			n := min(part, len(text))
			if _, _, err := a.WriteMsgUnix([]byte(text[:n]), k.rights(int(fds%40)), nil); err != nil {
				break // the connection is closed
			}
			text = text[n:]
		}
		a.CloseWrite()
		await(t, "the end of the connection", c.Disconnected)
		await(t, "the answer", asked)
		k.checkReleased(t)
	})
}

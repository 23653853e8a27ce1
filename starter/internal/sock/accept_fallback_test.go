package sock

import (
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// failing is a listener whose first accepts fail.
type failing struct {
	net.Listener
	err   error
	times int
}

func (f *failing) Accept() (net.Conn, error) {
	if f.times--; f.times >= 0 {
		return nil, f.err
	}
	return f.Listener.Accept()
}

func say(c net.Conn) {
	c.Write([]byte("nobody"))
	c.Close()
}

func heard(t *testing.T, address string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	if got, err := io.ReadAll(c); string(got) != "nobody" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// The server keeps the sockets: descriptors become free, and a shut-down socket listens
// again.
func TestTheFallbackServerOutlivesErrors(t *testing.T) {
	t.Parallel()
	for _, errno := range []error{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.EINVAL, unix.EPERM, unix.ECONNABORTED} {
		t.Run(errno.Error(), func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			f := &FallbackServer{listeners: []net.Listener{l}, stopped: make(chan struct{})}
			f.accepting.Go(func() { f.accept(&failing{l, errno, 3}, say) })
			heard(t, l.Addr().String())
			f.Stop()
		})
	}
}

// Workers share the open file description: each mode is as before when the server has
// stopped, and the socket still listens.
func TestTheFallbackServerRestoresTheBlockingMode(t *testing.T) {
	t.Parallel()
	for _, nonblock := range []bool{false, true} {
		fd, _ := bound(t, "tcp", "127.0.0.1:0")
		defer unix.Close(fd)
		if err := unix.SetNonblock(fd, nonblock); err != nil {
			t.Fatal(err)
		}
		name, err := unix.Getsockname(fd)
		if err != nil {
			t.Fatal(err)
		}
		address := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*unix.SockaddrInet4).Port}).String()
		for range 2 {
			f := ServeFallback([]*Socket{{Address: Address{Network: "tcp4"}, Descriptor: fd}}, say)
			heard(t, address)
			f.Stop()
			if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 != nonblock {
				t.Errorf("O_NONBLOCK, which was %v: flags %o, %v", nonblock, flags, err)
			}
		}
	}
}

package sock

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"golang.org/x/sys/unix"
)

// The server keeps the sockets: descriptors become free, and a shut-down socket listens
// again.
func TestTheFallbackServerOutlivesErrors(t *testing.T) {
	t.Parallel()
	for _, errno := range []error{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.EINVAL, unix.EPERM, unix.ECONNABORTED} {
		t.Run(errno.Error(), func(t *testing.T) {
			t.Parallel()
			fd, _ := bound(t, "tcp", "127.0.0.1:0")
			defer unix.Close(fd)
			name, err := unix.Getsockname(fd)
			if err != nil {
				t.Fatal(err)
			}
			r, w, err := proc.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(r)
			fails := 3
			accept := func(fd int) (int, error) {
				if fails--; fails >= 0 {
					return -1, errno
				}
				return accept(fd)
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				acceptUntil(r, []int{fd}, accept, func(c net.Conn) {
					c.Write([]byte("nobody"))
					c.Close()
				})
			}()
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(time.Minute))
			if got, err := io.ReadAll(c); string(got) != "nobody" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
			unix.Close(w)
			<-ended
		})
	}
}

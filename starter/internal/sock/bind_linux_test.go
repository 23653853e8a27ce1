package sock

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestBacklog(t *testing.T) {
	t.Parallel()
	for _, backlog := range []int{1, 7, 100} {
		s, err := plain(backlog).open(addressOf(t, "127.0.0.1:0"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		// tcpi_sacked of a listening socket is its backlog; see tcp_get_info of the
		// kernel's net/ipv4/tcp.c.
		info, err := unix.GetsockoptTCPInfo(s.Descriptor, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil || info.Sacked != uint32(backlog) {
			t.Errorf("backlog %d: the kernel has %d, %v", backlog, info.Sacked, err)
		}
	}
}

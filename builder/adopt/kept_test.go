package adopt_test

import (
	"net"
	"testing"

	"github.com/hotstart/hotstart/starter"
)

func TestTwoListeners(t *testing.T) {
	t.Parallel()
	one, two := freePort(t, "127.0.0.1"), freePort(t, "127.0.0.1")
	r := serve(t, nil, "plain", one, two)
	until(t, "both listen", func() bool { return answers(one) && answers(two) })
	for n := range 3 {
		before := newClient(t).post("http://" + one)
		if other := newClient(t).post("http://" + two); other != before {
			t.Errorf("workers %s and %s", before, other)
		}
		r.reload()
		r.left(n + 1) // until then it may answer, too
	}
}

// The second listener is opened long after the first one accepts.
func TestLateListener(t *testing.T) {
	t.Parallel()
	one, two := freePort(t, "127.0.0.1"), freePort(t, "127.0.0.1")
	r := serve(t, nil, "slowly", one, two)
	until(t, "both listen", func() bool { return answers(two) })
	l := newLoad()
	l.ask(2, "http://"+two, false, nil)
	for range 2 {
		r.reload()
	}
	r.left(2)
	l.end(t)
}

// The program binds an address that hotstart has bound before.
func TestPortOfHotstart(t *testing.T) {
	t.Parallel()
	_, port, _ := net.SplitHostPort(freePort(t, "127.0.0.1"))
	for _, host := range []string{"", "127.0.0.1", "localhost"} {
		t.Run(host, func(t *testing.T) {
			r := serve(t, func(o *starter.Options) { o.Ports, o.ReusePort = []string{port}, true }, "plain", host+":"+port)
			first := newClient(t).post("http://127.0.0.1:" + port)
			r.reload()
			newClient(t).postUntil("http://127.0.0.1:"+port, first)
			r.left(1)
		})
	}
}

// If a worker calls shutdown(2) on the socket, all workers are affected. hotstart makes the socket listen again, and
// the workers that accept on it do not notice.
func TestKeptSocketIsShutDown(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	serve(t, nil, "plain", address)
	c := newClient(t)
	first := c.post("http://" + address + "/deafen")
	c.CloseIdleConnections()
	until(t, "it listens again", func() bool { return answers(address) })
	if again := c.post("http://" + address); again != first {
		t.Errorf("worker %s is gone, and %s answers", first, again)
	}
}

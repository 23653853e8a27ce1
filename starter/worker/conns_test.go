package worker

import (
	"net"
	"net/http"
	"testing"
	"time"
)

// Programs with many WebSockets run for months.
func TestHijackedConnectionsAreForgotten(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, "listening", err)
	defer l.Close()
	c := newConns(nil, nil)
	var open []net.Conn
	for i := range 5 * minSweep {
		conn, err := net.Dial("tcp", l.Addr().String())
		check(t, "dialing", err)
		c.track(conn, http.StateNew, time.Now())
		c.track(conn, http.StateHijacked, time.Now())
		if i%minSweep == 0 {
			open = append(open, conn)
		} else {
			conn.Close()
		}
	}
	if len(c.hijacked) >= 2*minSweep {
		t.Errorf("%d hijacked connections are remembered, %d are open", len(c.hijacked), len(open))
	}
	if c.released() {
		t.Error("open connections count as closed")
	}
	for _, conn := range open {
		conn.Close()
	}
	if !c.released() || len(c.open) != 0 {
		t.Errorf("all are closed, and %d and %d are remembered", len(c.hijacked), len(c.open))
	}
}

func TestUpgrades(t *testing.T) {
	t.Parallel()
	for protocol, want := range map[string]bool{"": false, "websocket": true, "h2c": false, "H2C": false} {
		r := &http.Request{Header: http.Header{"Upgrade": {protocol}}}
		if got := upgrades(r); got != want {
			t.Errorf("Upgrade: %q counts as %v", protocol, got)
		}
	}
}

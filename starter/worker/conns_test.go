package worker

import (
	"net"
	"net/http"
	"testing"
	"time"
)

func TestQuiet(t *testing.T) {
	t.Parallel()
	const idle, fresh = time.Second, 5 * time.Second
	type conn struct {
		is    http.ConnState
		since time.Duration // from the beginning of the drain
	}
	tests := []struct {
		name      string
		conns     []conn
		accepting int
		at        time.Duration
		want      bool
	}{
		{name: "nothing is open", want: true},
		{name: "something may still be accepted", accepting: 1},
		{name: "a request is in flight", conns: []conn{{http.StateActive, -time.Hour}}, at: time.Hour},
		{name: "idle for long, but the drain is young", conns: []conn{{http.StateIdle, -time.Hour}}, at: 999 * time.Millisecond},
		{name: "idle for long, and a second passed", conns: []conn{{http.StateIdle, -time.Hour}}, at: time.Second, want: true},
		{name: "idle since a moment ago", conns: []conn{{http.StateIdle, 3 * time.Second}}, at: 3500 * time.Millisecond},
		{name: "one idle since a moment ago", conns: []conn{{http.StateIdle, 0}, {http.StateIdle, 3 * time.Second}}, at: 3500 * time.Millisecond},
		{name: "no request yet", conns: []conn{{http.StateNew, -time.Second}}, at: 4 * time.Second},
		{name: "no request for long", conns: []conn{{http.StateNew, -time.Second}}, at: 5 * time.Second, want: true},
		{name: "hijacked", conns: []conn{{http.StateHijacked, 0}}, want: true},
		{name: "closed", conns: []conn{{http.StateClosed, 0}}, want: true},
	}
	for _, test := range tests {
		began := time.Unix(1e9, 0)
		c := newConns(nil, nil)
		c.accepting = test.accepting
		for _, one := range test.conns {
			a, _ := net.Pipe()
			c.track(a, one.is, began.Add(one.since))
		}
		if got := c.quiet(began.Add(test.at), began, idle, fresh); got != test.want {
			t.Errorf("%s: quiet is %v", test.name, got)
		}
	}
}

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

// A second during which the process stood still does not count as idle time.
func TestGraceAfterAStandstill(t *testing.T) {
	began := time.Now()
	g := newGrace(began)
	for _, step := range []struct{ at, want time.Duration }{
		{0, 0},
		{drainPoll, 0},
		{standstill, 0},
		{2 * time.Second, 2 * time.Second},
		{2*time.Second + drainPoll, 2 * time.Second},
		{2*time.Second + standstill, 2 * time.Second},
		{5 * time.Second, 5 * time.Second},
	} {
		if got := g.at(began.Add(step.at)).Sub(began); got != step.want {
			t.Errorf("after %v: counted from %v, want %v", step.at, got, step.want)
		}
	}
}

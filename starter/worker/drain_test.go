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

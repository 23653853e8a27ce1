package report

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter"
)

// TestStartServerWords holds the lines of Perl's start_server 0.35.
func TestStartServerWords(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		events []starter.Event
		want   string
	}{
		"a first worker is not announced": {
			[]starter.Event{{Kind: starter.Starting, Worker: one}, {Kind: starter.Serving, Worker: one}},
			"starting new worker 11\n",
		},
		"a reload": {
			[]starter.Event{{Kind: starter.Signaled, Signal: syscall.SIGHUP}, {Kind: starter.Starting, Worker: two},
				{Kind: starter.Serving, Worker: two, Others: []starter.Worker{one}, Signal: syscall.SIGTERM}, {Kind: starter.Exited, Worker: one}},
			"received HUP, spawning a new worker\nstarting new worker 22\n" +
				"new worker is now running, sending TERM to old workers:11\nkilling old workers\nold worker 11 died, status:0\n",
		},
		"a reload that waits": {
			[]starter.Event{{Kind: starter.AutoRestart, Elapsed: 90 * time.Second, Forced: true}, {Kind: starter.Starting, Worker: two},
				{Kind: starter.Serving, Worker: two, Delay: 1500 * time.Millisecond, Signal: syscall.SIGTERM}, {Kind: starter.Retiring}},
			"autorestart triggered (forced, interval=90)\nstarting new worker 22\n" +
				"new worker is now running, sending TERM to old workers:none\nsleeping 1.5 secs before killing old workers\nkilling old workers\n",
		},
		"an end": {
			[]starter.Event{{Kind: starter.Signaled, Signal: syscall.SIGTERM}, {Kind: starter.Stopping, Signal: syscall.SIGINT, Others: []starter.Worker{one, two}},
				{Kind: starter.Signaled, Signal: syscall.SIGINT}, {Kind: starter.Exited, Worker: one, Status: 2 << 8}},
			"received TERM, sending INT to all workers:11,22\nreceived INT again, killing all workers\nworker 11 died, status:512\n",
		},
		"failures": {
			[]starter.Event{{Kind: starter.Failed, Worker: starter.Worker{Generation: 3}, Err: errBoom}, {Kind: starter.Failed, Worker: two, Status: 1 << 8},
				{Kind: starter.Failed, Worker: two, Err: errBoom}, {Kind: starter.Crashed, Worker: one, Status: 9}},
			"new worker seems to have failed to start: boom\nnew worker 22 seems to have failed to start, exit status:256\n" +
				"new worker 22 seems to have failed to start, exit status:0 (boom)\nworker 11 died unexpectedly with status:9, restarting\n",
		},
		"an event that start_server does not have": {
			[]starter.Event{{Kind: starter.Killing, Worker: one}}, "worker 1 (pid 11) did not exit in time; killing it\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			var s StartServer
			s.Redirect(&b)
			for _, e := range test.events {
				s.Handle(WorkerEvent{e})
			}
			if got := b.String(); got != test.want {
				t.Errorf("got\n%s, want\n%s", got, test.want)
			}
		})
	}
}

func TestWorkersThatExitEarlyAreExplainedOnce(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	s := StartServer{w: &b, Sockets: true}
	for range 5 {
		s.Handle(WorkerEvent{starter.Event{Kind: starter.Starting, Worker: one}})
		s.Handle(WorkerEvent{starter.Event{Kind: starter.Failed, Worker: one, Status: 1 << 8}})
	}
	if got := strings.Count(b.String(), "hotstart holds the socket"); got != 1 {
		t.Errorf("%d explanations in\n%s", got, b.String())
	}
}

package starter

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter/internal/machine"
)

func TestEventString(t *testing.T) {
	t.Parallel()
	one, two := Worker{Generation: 1, PID: 11}, Worker{Generation: 2, PID: 22}
	for _, test := range []struct {
		e    Event
		want string
	}{
		{Event{Kind: Starting, Worker: one}, "worker 1 (pid 11) is starting"},
		{Event{Kind: Serving, Worker: one}, "worker 1 (pid 11) is serving"},
		{Event{Kind: Serving, Worker: two, Others: []Worker{one}}, "worker 2 (pid 22) is serving; worker 1 told to exit"},
		{Event{Kind: Superseded, Worker: two}, "worker 2 (pid 22) became outdated before it was ready; told to exit"},
		{Event{Kind: Failed, Worker: Worker{Generation: 3}, Err: errors.New("starting ./a: no such file")}, "worker 3 failed to start: starting ./a: no such file"},
		{Event{Kind: Failed, Worker: two, Status: 2 << 8}, "worker 2 (pid 22) failed to start: exit status 2"},
		{Event{Kind: TimedOut, Worker: two, Elapsed: 30*time.Second + 1}, "worker 2 (pid 22) was not ready after 30s; told to exit"},
		{Event{Kind: GaveUp, Worker: two, Failures: 1}, "gave up after 1 failed start"},
		{Event{Kind: GaveUp, Worker: two, Failures: 3}, "gave up after 3 failed starts"},
		{Event{Kind: Crashed, Worker: one, Status: syscall.WaitStatus(syscall.SIGSEGV)}, "worker 1 (pid 11) died: killed by signal SEGV"},
		{Event{Kind: Exited, Worker: one}, "worker 1 (pid 11) exited: exit status 0"},
		{Event{Kind: Killing, Worker: one}, "worker 1 (pid 11) did not exit in time; killing it"},
		{Event{Kind: Stopping}, "stopping; no worker told to exit"},
		{Event{Kind: Stopping, Others: []Worker{one, two}}, "stopping; workers 1, 2 told to exit"},
		{Event{Kind: BrokerError, Worker: one, Err: errors.New("broker: no")}, "worker 1 (pid 11): broker: no"},
	} {
		if got := test.e.String(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]syscall.Signal{
		"TERM": syscall.SIGTERM, "term": syscall.SIGTERM, "SIGTERM": syscall.SIGTERM, " sigusr1 ": syscall.SIGUSR1, "9": syscall.SIGKILL, "010": 10, "cld": syscall.SIGCHLD, "winch": syscall.SIGWINCH,
	} {
		if got, err := ParseSignal(name); err != nil || got != want {
			t.Errorf("%q is %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "SIG", "0", "-9", "65", "1.5", "TERMINATE", "SIGSIGTERM"} {
		if got, err := ParseSignal(name); err == nil {
			t.Errorf("%q is %v", name, got)
		}
	}
	if SignalName(syscall.SIGHUP) != "HUP" || SignalName(63) != "63" {
		t.Error(SignalName(syscall.SIGHUP), SignalName(63))
	}
}

// The names are in a separate list, in the order of the constants.
func TestKindsHaveTheirNames(t *testing.T) {
	t.Parallel()
	for kind, want := range map[Kind]string{Starting: "Starting", Crashed: "Crashed", Exited: "Exited", PathLost: "PathLost", AutoRestart: "AutoRestart", Contended: "Contended", Warning: "Warning"} {
		if got := kind.String(); got != want {
			t.Errorf("kind %d is called %s, want %s", kind, got, want)
		}
	}
	if last := Kind(int(machine.LastKind) + len(kinds)); last != Warning {
		t.Errorf("the last kind is %v", last)
	}
}

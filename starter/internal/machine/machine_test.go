package machine

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// commands are the commands of these tests, by one-letter name.
var commands = map[string]*program{"a": {path: "a"}, "b": {path: "b"}, "c": {path: "c"}}

// program is a Command of these tests.
type program struct {
	path  string
	hello bool
}

func (p *program) ExpectHello() bool { return p.hello }

// moment is one step of a story: an event at a time, and the actions that it calls
// for.
type moment struct {
	at    float64 // seconds since the story began
	event Event
	want  string // the actions, as told writes them
}

var (
	term = syscall.SIGTERM
	quit = syscall.SIGQUIT
)

func asks(command string) Reload      { return Reload{commands[command]} }
func ends(generation int) HasExited   { return HasExited{Worker: generation, Status: 1 << 8} }
func stops(sig syscall.Signal) Stop   { return Stop{sig} }
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// told writes actions in one line: an Event as kind and worker, any other action in
// lower case.
func told(actions []Action) string {
	var words []string
	for _, action := range actions {
		switch a := action.(type) {
		case Spawn:
			words = append(words, fmt.Sprintf("spawn %d %s", a.Generation, a.Command.(*program).path))
		case Drain:
			words = append(words, fmt.Sprintf("drain %d", a.Generation))
		case Signal:
			words = append(words, fmt.Sprintf("%s %d", strings.ToLower(strings.TrimPrefix(unix.SignalName(a.Signal), "SIG")), a.Generation))
		case Pry:
			words = append(words, fmt.Sprintf("pry %d%s", a.Generation, map[bool]string{true: " deep"}[a.Deep]))
		case EndDetached:
			words = append(words, fmt.Sprintf("end-detached %d %v", a.Left.Generation, a.Grace))
		case Settle:
			words = append(words, fmt.Sprintf("settle %d", a.Generation))
		case Forget:
			words = append(words, fmt.Sprintf("forget %d", a.Generation))
		case Report:
			words = append(words, kindAndWorker(a))
		default:
			panic(action)
		}
	}
	return strings.Join(words, ", ")
}

func kindAndWorker(e Report) string {
	if e.Worker.Generation == 0 {
		return fmt.Sprint(e.Kind)
	}
	return fmt.Sprintf("%v %d", e.Kind, e.Worker.Generation)
}

// stepped passes an event to m and answers spawn as the loop does.
func stepped(t *testing.T, m *Machine, now time.Time, event Event, offered ...uint64) []Action {
	t.Helper()
	var all []Action
	for todo := m.Step(now, event); len(todo) > 0; todo = todo[1:] {
		all = append(all, todo[0])
		if s, ok := todo[0].(Spawn); ok {
			begun := m.Step(now, Started{s.Generation, 100 + s.Generation, offered})
			if got := told(begun); got != fmt.Sprintf("Starting %d", s.Generation) {
				t.Fatalf("started %d led to %q", s.Generation, got)
			}
		}
	}
	return all
}

// follow passes the events of a story to m, and compares the actions.
func follow(t *testing.T, m *Machine, story []moment, offered ...uint64) {
	t.Helper()
	begin := time.Unix(1000, 0)
	for _, step := range story {
		now := begin.Add(seconds(step.at))
		if got := told(stepped(t, m, now, step.event, offered...)); got != step.want {
			t.Fatalf("at %vs %T%v led to\n %q, want\n %q", step.at, step.event, step.event, got, step.want)
		}
		if at := m.Next(); !at.IsZero() && !at.After(now) {
			t.Fatalf("at %vs: the next tick would be at %v, which is not later", step.at, at.Sub(begin))
		}
	}
}

// proven is the event that makes a worker ready by the standard rules.
type proven = SaidReady

// standard returns the rules of start_server, with ByMessage.
func standard() Rules { return Rules{Ready: ByMessage, Interval: time.Second, RetireSignal: term} }

func TestMachine(t *testing.T) {
	for _, test := range []struct {
		name   string
		rules  func(*Rules)
		story  []moment
		done   bool
		gaveUp bool
	}{
		{
			name: "the first start is at once, and serves when proven",
			story: []moment{
				{0, Tick{}, ""},
				{1, asks("a"), "spawn 1 a"},
				{2, proven(1), "Serving 1, settle 1"},
			},
		},
		{
			name: "a reload retires the old worker only when the new one is proven",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{5, Reload{}, "spawn 2 a"},
				{5.9, Tick{}, ""},
				{6, proven(2), "Serving 2, settle 2, term 1"},
				{7, ends(1), "Exited 1"},
			},
		},
		{
			name:  "a worker that dies of the signal to the whole process group is not replaced before the stop",
			rules: func(r *Rules) { r.RestartDelay = seconds(0.1) },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{5, ends(1), "Crashed 1"},
				{5.05, stops(term), "Stopping"},
			},
			done: true,
		},
		{
			name:  "a worker that dies is replaced after a look for a stop",
			rules: func(r *Rules) { r.RestartDelay = seconds(0.1) },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{5, ends(1), "Crashed 1"},
				{5.05, Tick{}, ""},
				{5.1, Tick{}, "spawn 2 a"},
			},
		},
		{
			name: "a reload with nothing to run does nothing",
			story: []moment{
				{0, Reload{}, ""},
				{1, stops(term), "Stopping"},
			},
			done: true,
		},
		{
			name: "reloads during a start become one more after it, and its proof is not cut short",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{5, Reload{}, "spawn 2 a"},
				{5.1, Reload{}, ""},
				{5.2, Reload{}, ""},
				{5.3, asks("a"), ""},
				{6, proven(2), "Serving 2, settle 2, term 1, spawn 3 a"},
				{7, proven(3), "Serving 3, settle 3, term 2"},
				{9, Tick{}, ""},
			},
		},
		{
			name: "another command ends a start that is out of date, and the old worker stays",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{5, asks("b"), "spawn 2 b"},
				{5.1, asks("c"), "Superseded 2, forget 2, term 2"},
				{5.2, proven(2), ""},
				{5.3, ends(2), "Exited 2, spawn 3 c"},
				{6, proven(3), "Serving 3, settle 3, term 1"},
			},
		},
		{
			name: "a superseded worker that does not leave is killed, though no stop timeout is set",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, asks("b"), "Superseded 1, forget 1, term 1"},
				{5.9, Tick{}, ""},
				{6, Tick{}, "Killing 1, kill 1"},
				{7, Tick{}, ""},
				{8, ends(1), "Exited 1, spawn 2 b"},
			},
		},
		{
			name: "the last of several commands during a start is the one that is run",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, asks("b"), "Superseded 1, forget 1, term 1"},
				{1, asks("a"), ""},
				{1.1, ends(1), "Exited 1, spawn 2 a"},
				{2, proven(2), "Serving 2, settle 2"},
			},
		},
		{
			name: "a failed start leaves the old worker serving and is tried again each interval",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{5, asks("b"), "spawn 2 b"},
				{5.1, ends(2), "Failed 2, forget 2"},
				{5.9, Tick{}, ""},
				{6, Tick{}, "spawn 3 b"},
				{6.5, ends(3), "Failed 3, forget 3"},
				{7, Tick{}, "spawn 4 b"},
				{8, proven(4), "Serving 4, settle 4, term 1"},
			},
		},
		{
			name: "a start that took longer than the interval to fail is tried again at once",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{3, ends(1), "Failed 1, forget 1, spawn 2 a"},
			},
		},
		{
			name: "after five failures in a row the wait doubles up to 30 s",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, ends(1), "Failed 1, forget 1"},
				{1, Tick{}, "spawn 2 a"},
				{1, ends(2), "Failed 2, forget 2"},
				{2, Tick{}, "spawn 3 a"},
				{2, ends(3), "Failed 3, forget 3"},
				{3, Tick{}, "spawn 4 a"},
				{3, ends(4), "Failed 4, forget 4"},
				{4, Tick{}, "spawn 5 a"},
				{4, ends(5), "Failed 5, forget 5"},
				{5, Tick{}, "spawn 6 a"},
				{5, ends(6), "Failed 6, forget 6"},
				{6.9, Tick{}, ""},
				{7, Tick{}, "spawn 7 a"},
				{7, ends(7), "Failed 7, forget 7"},
				{10.9, Tick{}, ""},
				{11, Tick{}, "spawn 8 a"},
				{11, ends(8), "Failed 8, forget 8"},
				{19, Tick{}, "spawn 9 a"},
				{19, ends(9), "Failed 9, forget 9"},
				{35, Tick{}, "spawn 10 a"},
				{35, ends(10), "Failed 10, forget 10"},
				{64.9, Tick{}, ""},
				{65, Tick{}, "spawn 11 a"},
				{65, ends(11), "Failed 11, forget 11"},
				{94.9, Tick{}, ""},
				{95, Tick{}, "spawn 12 a"},
			},
		},
		{
			name: "a reload does not wait for the next attempt, and is patient anew",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{3, ends(1), "Failed 1, forget 1, spawn 2 a"},
				{6, ends(2), "Failed 2, forget 2, spawn 3 a"},
				{9, ends(3), "Failed 3, forget 3, spawn 4 a"},
				{12, ends(4), "Failed 4, forget 4, spawn 5 a"},
				{15, ends(5), "Failed 5, forget 5, spawn 6 a"},
				{15, ends(6), "Failed 6, forget 6"},
				{16, Reload{}, "spawn 7 a"},
				{16, ends(7), "Failed 7, forget 7"},
				{17, Tick{}, "spawn 8 a"},
			},
		},
		{
			name: "failures before a long service do not slow down attempts after it",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{3, ends(1), "Failed 1, forget 1, spawn 2 a"},
				{6, ends(2), "Failed 2, forget 2, spawn 3 a"},
				{9, ends(3), "Failed 3, forget 3, spawn 4 a"},
				{12, ends(4), "Failed 4, forget 4, spawn 5 a"},
				{15, ends(5), "Failed 5, forget 5, spawn 6 a"},
				{16, proven(6), "Serving 6, settle 6"},
				{900, Reload{}, "spawn 7 a"},
				{900, ends(7), "Failed 7, forget 7"},
				{901, Tick{}, "spawn 8 a"},
			},
		},
		{
			name:  "after the most failures it gives up and the old worker stays",
			rules: func(r *Rules) { r.MaxFailures = 2 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{5, asks("b"), "spawn 2 b"},
				{5, ends(2), "Failed 2, forget 2"},
				{6, Tick{}, "spawn 3 b"},
				{6, ends(3), "Failed 3, forget 3, GaveUp 3"},
				{99, Tick{}, ""},
				{100, asks("b"), "spawn 4 b"},
			},
		},
		{
			name:  "a reload during the last attempt is another request, not part of it",
			rules: func(r *Rules) { r.MaxFailures = 1 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{5, Reload{}, "spawn 2 a"},
				{5.1, Reload{}, ""},
				{5.2, ends(2), "Failed 2, forget 2"},
				{6, Tick{}, "spawn 3 a"},
				{6.1, ends(3), "Failed 3, forget 3, GaveUp 3"},
				{99, Tick{}, ""},
			},
		},
		{
			name:  "failures are counted anew for each reload",
			rules: func(r *Rules) { r.MaxFailures = 2 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{5, Reload{}, "spawn 2 a"},
				{5, ends(2), "Failed 2, forget 2"},
				{5.5, Reload{}, "spawn 3 a"},
				{5.5, ends(3), "Failed 3, forget 3"},
				{6.5, Tick{}, "spawn 4 a"},
				{6.5, ends(4), "Failed 4, forget 4, GaveUp 4"},
			},
		},
		{
			name:  "giving up with nothing serving ends it",
			rules: func(r *Rules) { r.MaxFailures = 2 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{3, ends(1), "Failed 1, forget 1, spawn 2 a"},
				{4, ends(2), "Failed 2, forget 2, GaveUp 2"},
			},
			done: true, gaveUp: true,
		},
		{
			name:  "with keepRunning it waits for a reload instead, which may mean the same command",
			rules: func(r *Rules) { r.MaxFailures, r.KeepRunning = 1, true },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{3, ends(1), "Failed 1, forget 1, GaveUp 1"},
				{99, Tick{}, ""},
				{100, Reload{}, "spawn 2 a"},
				{101, proven(2), "Serving 2, settle 2"},
			},
		},
		{
			name:  "a start that fails at once is given up like any other",
			rules: func(r *Rules) { r.MaxFailures = 1 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, HasExited{Worker: 1, Err: syscall.ENOENT}, "Failed 1, forget 1, GaveUp 1"},
			},
			done: true, gaveUp: true,
		},
		{
			name: "a serving worker that dies is replaced at once",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{60, ends(1), "Crashed 1, spawn 2 a"},
				{61, proven(2), "Serving 2, settle 2"},
			},
		},
		{
			name: "but not sooner than an interval after it was started",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.2, proven(1), "Serving 1, settle 1"},
				{0.3, ends(1), "Crashed 1"},
				{0.9, Tick{}, ""},
				{1, Tick{}, "spawn 2 a"},
			},
		},
		{
			name:  "a worker that dies too early too often is started no more, until a reload",
			rules: func(r *Rules) { r.MaxCrashes, r.KeepRunning = 3, true },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, proven(1), "Serving 1, settle 1"},
				{2, ends(1), "Crashed 1, spawn 2 a"},
				{2, proven(2), "Serving 2, settle 2"},
				{4, ends(2), "Crashed 2, spawn 3 a"},
				{4, proven(3), "Serving 3, settle 3"},
				{6, ends(3), "Crashed 3, GaveUp 3"},
				{60, Tick{}, ""},
				{61, Reload{}, "spawn 4 a"},
				{61, proven(4), "Serving 4, settle 4"},
				{62, ends(4), "Crashed 4, spawn 5 a"},
			},
		},
		{
			name:  "a worker that lived for long and dies is started again, however often",
			rules: func(r *Rules) { r.MaxCrashes, r.KeepRunning = 2, true },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, proven(1), "Serving 1, settle 1"},
				{20, ends(1), "Crashed 1, spawn 2 a"},
				{20, proven(2), "Serving 2, settle 2"},
				{40, ends(2), "Crashed 2, spawn 3 a"},
				{40, proven(3), "Serving 3, settle 3"},
				{60, ends(3), "Crashed 3, spawn 4 a"},
			},
		},
		{
			name:  "a worker that has done its work is not started again",
			rules: func(r *Rules) { r.AllowExit, r.KeepRunning = true, true },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.5, HasExited{Worker: 1}, "Completed 1"},
				{5, asks("b"), "spawn 2 b"},
				{6, proven(2), "Serving 2, settle 2"},
				{7, HasExited{Worker: 2}, "Completed 2"},
				{8, Reload{}, "spawn 3 b"},
				{8.5, ends(3), "Failed 3, forget 3"},
			},
		},
		{
			name:  "a worker that has done its work is not started again where the next fails",
			rules: func(r *Rules) { r.AllowExit, r.KeepRunning, r.MaxFailures = true, true, 1 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.5, HasExited{Worker: 1}, "Completed 1"},
				{5, asks("b"), "spawn 2 b"},
				{5.5, ends(2), "Failed 2, forget 2, GaveUp 2"},
				{10, Tick{}, ""},
				{11, asks("c"), "spawn 3 c"},
				{12, proven(3), "Serving 3, settle 3"},
				{13, HasExited{Worker: 3}, "Completed 3"},
				{14, asks("b"), "spawn 4 b"},
				{14.5, ends(4), "Failed 4, forget 4, GaveUp 4"},
				{20, Tick{}, ""},
			},
		},
		{
			name:  "a worker that ends while another serves or is to start was not meant to",
			rules: func(r *Rules) { r.AllowExit, r.KeepRunning = true, true },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{5, asks("b"), "spawn 2 b"},
				{5.5, HasExited{Worker: 2}, "Failed 2, forget 2"},
			},
		},
		{
			name: "a worker that is proven each time and then crashes is started ever more slowly",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, proven(1), "Serving 1, settle 1"},
				{2, ends(1), "Crashed 1, spawn 2 a"},
				{2, proven(2), "Serving 2, settle 2"},
				{4, ends(2), "Crashed 2, spawn 3 a"},
				{4, proven(3), "Serving 3, settle 3"},
				{6, ends(3), "Crashed 3, spawn 4 a"},
				{6, proven(4), "Serving 4, settle 4"},
				{8, ends(4), "Crashed 4, spawn 5 a"},
				{8, proven(5), "Serving 5, settle 5"},
				{10, ends(5), "Crashed 5, spawn 6 a"},
				{10, proven(6), "Serving 6, settle 6"},
				{12, ends(6), "Crashed 6, spawn 7 a"},
				{12, proven(7), "Serving 7, settle 7"},
				{14, ends(7), "Crashed 7"},
				{16, Tick{}, "spawn 8 a"},
				{16, proven(8), "Serving 8, settle 8"},
				{26, ends(8), "Crashed 8, spawn 9 a"},
				{26, ends(9), "Failed 9, forget 9"},
				{27, Tick{}, "spawn 10 a"},
			},
		},
		{
			name: "when the old worker dies during a start, that start is its replacement",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{60, asks("b"), "spawn 2 b"},
				{60.1, ends(1), "Crashed 1"},
				{62, Tick{}, ""},
				{63, proven(2), "Serving 2, settle 2"},
			},
		},
		{
			name: "when the old worker dies between two attempts, the next one is made at once",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{60, asks("b"), "spawn 2 b"},
				{60, ends(2), "Failed 2, forget 2"},
				{60.1, ends(1), "Crashed 1, spawn 3 b"},
			},
		},
		{
			name:  "when the old worker died and the new command is given up, the old command is started again",
			rules: func(r *Rules) { r.MaxFailures = 1 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{60, asks("b"), "spawn 2 b"},
				{60.1, ends(1), "Crashed 1"},
				{61, ends(2), "Failed 2, forget 2, GaveUp 2, spawn 3 a"},
				{62, proven(3), "Serving 3, settle 3"},
				{90, Reload{}, "spawn 4 a"},
			},
		},
		{
			name:  "when that can't be started either, it gives up for good",
			rules: func(r *Rules) { r.MaxFailures = 1 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{60, asks("b"), "spawn 2 b"},
				{60.1, ends(1), "Crashed 1"},
				{61, ends(2), "Failed 2, forget 2, GaveUp 2, spawn 3 a"},
				{62, ends(3), "Failed 3, forget 3, GaveUp 3"},
			},
			done: true, gaveUp: true,
		},
		{
			name:  "a start that takes too long has failed, and its worker gets the signal, then SIGKILL",
			rules: func(r *Rules) { r.ReadyTimeout, r.MaxFailures = 30*time.Second, 1 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{10, asks("b"), "spawn 2 b"},
				{39.9, Tick{}, ""},
				{40, Tick{}, "TimedOut 2, forget 2, GaveUp 2, term 2"},
				{41, proven(2), ""},
				{45, Tick{}, "Killing 2, kill 2"},
				{45, ends(2), "Exited 2"},
			},
		},
		{
			name:  "a start that took too long is tried again when the worker, whose sockets are not kept, has left",
			rules: func(r *Rules) { r.ReadyTimeout = 30 * time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{30, Tick{}, "TimedOut 1, forget 1, term 1"},
				{31, ends(1), "Exited 1, spawn 2 a"},
				{32, proven(2), "Serving 2, settle 2"},
			},
		},
		{
			name:  "proof at the very end of the time counts",
			rules: func(r *Rules) { r.ReadyTimeout = 30 * time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{30, proven(1), "Serving 1, settle 1"},
				{99, Tick{}, ""},
			},
		},
		{
			name:  "giving up ends it when the worker that took too long has left",
			rules: func(r *Rules) { r.ReadyTimeout, r.MaxFailures = 30*time.Second, 1 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{30, Tick{}, "TimedOut 1, forget 1, GaveUp 1, term 1"},
				{31, ends(1), "Exited 1"},
			},
			done: true, gaveUp: true,
		},
		{
			name:  "the kill-old delay puts off the old worker's retirement",
			rules: func(r *Rules) { r.KillOldDelay = 5 * time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{10, Reload{}, "spawn 2 a"},
				{11, proven(2), "Serving 2"},
				{15.9, Tick{}, ""},
				{16, Tick{}, "Retiring 1, term 1, settle 2"},
			},
		},
		{
			name:  "a worker that dies while it waits to be retired is not missed",
			rules: func(r *Rules) { r.KillOldDelay = 5 * time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{10, Reload{}, "spawn 2 a"},
				{11, proven(2), "Serving 2"},
				{12, ends(1), "Exited 1"},
				{16, Tick{}, "settle 2"},
			},
		},
		{
			name:  "drain, then the signal, then SIGKILL",
			rules: func(r *Rules) { r.DrainTimeout, r.StopTimeout = 10*time.Second, 15*time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, Hello(1), ""},
				{1, proven(1), "Serving 1, settle 1"},
				{10, Reload{}, "spawn 2 a"},
				{11, proven(2), "Serving 2, settle 2, drain 1"},
				{20.9, Tick{}, ""},
				{21, Tick{}, "DrainTimedOut 1, term 1"},
				{26, Tick{}, "Killing 1, kill 1"},
				{26, Drained(1), ""},
				{27, ends(1), "Exited 1"},
			},
		},
		{
			name:  "drained ends the drain early, once",
			rules: func(r *Rules) { r.DrainTimeout, r.StopTimeout = 10*time.Second, 5*time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, Hello(1), ""},
				{1, proven(1), "Serving 1, settle 1"},
				{2, Drained(1), ""},
				{10, Reload{}, "spawn 2 a"},
				{11, proven(2), "Serving 2, settle 2, drain 1"},
				{12, Drained(1), "term 1"},
				{12, Drained(1), ""},
				{13, ends(1), "Exited 1"},
				{13, Drained(1), ""},
			},
		},
		{
			name:  "a worker that does not speak the broker's protocol is not told to drain",
			rules: func(r *Rules) { r.DrainTimeout = 10 * time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{10, Reload{}, "spawn 2 a"},
				{11, proven(2), "Serving 2, settle 2, term 1"},
			},
		},
		{
			name: "no drain timeout: the signal at once",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, Hello(1), ""},
				{1, proven(1), "Serving 1, settle 1"},
				{10, Reload{}, "spawn 2 a"},
				{11, proven(2), "Serving 2, settle 2, term 1"},
			},
		},
		{
			name:  "drain follows the kill-old delay",
			rules: func(r *Rules) { r.KillOldDelay, r.DrainTimeout = 5*time.Second, 10*time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, Hello(1), ""},
				{1, proven(1), "Serving 1, settle 1"},
				{10, Reload{}, "spawn 2 a"},
				{11, proven(2), "Serving 2"},
				{16, Tick{}, "Retiring 1, drain 1, settle 2"},
				{26, Tick{}, "DrainTimedOut 1, term 1"},
			},
		},
		{
			name:  "the old worker is told by the signal of a reload, all by that of the stop",
			rules: func(r *Rules) { r.RetireSignal = quit },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{10, Reload{}, "spawn 2 a"},
				{11, proven(2), "Serving 2, settle 2, quit 1"},
				{12, stops(term), "Stopping, term 1, term 2"},
				{13, ends(1), "Exited 1"},
				{14, ends(2), "Exited 2"},
			},
			done: true,
		},
		{
			name: "nothing is signalled the same signal twice",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{10, Reload{}, "spawn 2 a"},
				{11, proven(2), "Serving 2, settle 2, term 1"},
				{12, Reload{}, "spawn 3 a"},
				{13, proven(3), "Serving 3, settle 3, term 2"},
				{14, stops(term), "Stopping, term 3"},
			},
		},
		{
			name: "stop during the first start",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.5, stops(term), "Stopping, term 1"},
				{0.6, proven(1), ""},
				{0.7, Reload{}, ""},
				{0.8, ends(1), "Exited 1"},
			},
			done: true,
		},
		{
			name: "stop during a reload, with one more waiting, spawns nothing",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{5, Reload{}, "spawn 2 a"},
				{5.1, Reload{}, ""},
				{5.2, stops(term), "Stopping, term 1, term 2"},
				{5.3, ends(2), "Exited 2"},
				{9, Tick{}, ""},
				{10, asks("b"), ""},
				{11, ends(1), "Exited 1"},
			},
			done: true,
		},
		{
			name: "stop while a retry is due spawns nothing",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.1, ends(1), "Failed 1, forget 1"},
				{0.5, stops(term), "Stopping"},
				{2, Tick{}, ""},
			},
			done: true,
		},
		{
			name:  "stop during the kill-old delay acts at once",
			rules: func(r *Rules) { r.KillOldDelay = 5 * time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{10, Reload{}, "spawn 2 a"},
				{11, proven(2), "Serving 2"},
				{12, stops(quit), "Stopping, quit 1, quit 2"},
				{16, Tick{}, ""},
			},
		},
		{
			name:  "stop during a drain lets it go on, and signals what is over",
			rules: func(r *Rules) { r.DrainTimeout, r.StopTimeout, r.RetireSignal = 10*time.Second, 7*time.Second, quit },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, Hello(1), ""},
				{1, proven(1), "Serving 1, settle 1"},
				{10, Reload{}, "spawn 2 a"},
				{10, Hello(2), ""},
				{11, proven(2), "Serving 2, settle 2, drain 1"},
				{12, stops(term), "Stopping, drain 2"},
				{13, Drained(1), "term 1"},
				{14, Drained(2), "term 2"},
				{15, ends(1), "Exited 1"},
				{19, Tick{}, "Killing 2, kill 2"},
				{19, ends(2), "Exited 2"},
			},
			done: true,
		},
		{
			name:  "a stop of a start that takes too long is not a failed start",
			rules: func(r *Rules) { r.ReadyTimeout = 10 * time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{9, stops(term), "Stopping, term 1"},
				{10, Tick{}, ""},
				{14, Tick{}, "Killing 1, kill 1"},
				{14, ends(1), "Exited 1"},
			},
			done: true,
		},
		{
			name:  "the stop timeout counts from the signal",
			rules: func(r *Rules) { r.StopTimeout = 5 * time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{2, stops(term), "Stopping, term 1"},
				{6.9, Tick{}, ""},
				{7, Tick{}, "Killing 1, kill 1"},
				{99, Tick{}, ""},
				{100, ends(1), "Exited 1"},
			},
			done: true,
		},
		{
			name:  "a second stop kills at once, a third does nothing",
			rules: func(r *Rules) { r.DrainTimeout = 10 * time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, Hello(1), ""},
				{1, proven(1), "Serving 1, settle 1"},
				{10, Reload{}, "spawn 2 a"},
				{11, proven(2), "Serving 2, settle 2, drain 1"},
				{12, stops(term), "Stopping, term 2"},
				{13, stops(term), "kill 1, kill 2"},
				{14, stops(term), ""},
				{15, ends(1), "Exited 1"},
				{15, ends(2), "Exited 2"},
			},
			done: true,
		},
		{
			name:  "a worker is replaced for its age, and after twice that while an older one lives",
			rules: func(r *Rules) { r.AutoRestart = 10 * time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{10.9, Tick{}, ""},
				{11, Tick{}, "AutoRestart 1, spawn 2 a"},
				{12, proven(2), "Serving 2, settle 2, term 1"},
				{22, Tick{}, ""},
				{25, ends(1), "Exited 1, AutoRestart 2, spawn 3 a"},
				{26, proven(3), "Serving 3, settle 3, term 2"},
				{45.9, Tick{}, ""},
				{46, Tick{}, "AutoRestart 3, spawn 4 a"},
			},
		},
		{
			name:  "age does not count until the older worker has been told",
			rules: func(r *Rules) { r.AutoRestart, r.KillOldDelay = time.Second, 5*time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{2, Tick{}, "AutoRestart 1, spawn 2 a"},
				{3, proven(2), "Serving 2"},
				{7, Tick{}, ""},
				{8, Tick{}, "Retiring 1, term 1, settle 2, AutoRestart 2, spawn 3 a"},
			},
		},
		{
			name:  "a start sets the pace",
			rules: func(r *Rules) { r.KillOldDelay = time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, Pace{AutoRestart: 10 * time.Second}, ""},
				{1, proven(1), "Serving 1, settle 1"},
				{11, Tick{}, "AutoRestart 1, spawn 2 a"},
				{11, Pace{KillOldDelay: 5 * time.Second}, ""},
				{12, proven(2), "Serving 2"},
				{17, Tick{}, "Retiring 1, term 1, settle 2"},
				{99, Tick{}, ""},
			},
		},
		{
			name: "new timeouts leave the pace as it is",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, Pace{AutoRestart: 10 * time.Second}, ""},
				{1, proven(1), "Serving 1, settle 1"},
				{2, Timeouts{StopTimeout: 3 * time.Second}, ""},
				{11, Tick{}, "AutoRestart 1, spawn 2 a"},
				{12, proven(2), "Serving 2, settle 2, term 1"},
				{15, Tick{}, "Killing 1, kill 1"},
			},
		},
		{
			name:  "processes that have detached are ended before the next start, and the latest reload counts",
			rules: func(r *Rules) { r.AllowExit, r.StopTimeout = true, 3*time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{2, HasExited{Worker: 1}, "Completed 1"},
				{2, Detached{Worker{Generation: 1, PID: 101}}, ""},
				{5, asks("b"), "end-detached 1 3s"},
				{5.1, asks("c"), ""},
				{5.2, Reload{}, ""},
				{6, Cleared{}, "spawn 2 c"},
				{7, proven(2), "Serving 2, settle 2"},
				{8, Reload{}, "spawn 3 c"},
			},
		},
		{
			name:  "a stop does not wait for processes that have detached",
			rules: func(r *Rules) { r.AllowExit = true },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{2, HasExited{Worker: 1}, "Completed 1"},
				{2, Detached{Worker{Generation: 1, PID: 101}}, ""},
				{5, Reload{}, "end-detached 1 5s"},
				{5.1, stops(term), "Stopping"},
				{6, Cleared{}, ""},
			},
			done: true,
		},
		{
			name:  "a replacement for age that is given up is not tried again before its time",
			rules: func(r *Rules) { r.AutoRestart, r.MaxFailures = 10*time.Second, 1 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{11, Tick{}, "AutoRestart 1, spawn 2 a"},
				{11.5, ends(2), "Failed 2, forget 2, GaveUp 2"},
				{21, Tick{}, ""},
				{21.5, Tick{}, "AutoRestart 1, spawn 3 a"},
			},
		},
		{
			name:  "the oldest of too many old workers is killed if it has its signal",
			rules: func(r *Rules) { r.MaxOld = 1 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{2, Reload{}, "spawn 2 a"},
				{3, proven(2), "Serving 2, settle 2, term 1"},
				{4, Reload{}, "spawn 3 a"},
				{5, proven(3), "Serving 3, settle 3, term 2, Killing 1, kill 1"},
				{5, ends(1), "Exited 1"},
			},
		},
		{
			name:  "and gets its signal and five seconds if not",
			rules: func(r *Rules) { r.MaxOld, r.KillOldDelay = 1, time.Minute },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{2, Reload{}, "spawn 2 a"},
				{3, proven(2), "Serving 2"},
				{4, Reload{}, "spawn 3 a"},
				{5, proven(3), "Serving 3, Retiring 1, term 1"},
				{9.9, Tick{}, ""},
				{10, Tick{}, "Killing 1, kill 1"},
			},
		},
		{
			name:  "a first start may be given up sooner than others",
			rules: func(r *Rules) { r.MaxFirst = 1 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.5, ends(1), "Failed 1, forget 1, GaveUp 1"},
			},
			done:   true,
			gaveUp: true,
		},
		{
			name:  "but not once a worker has served",
			rules: func(r *Rules) { r.MaxFirst = 1 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{2, Reload{}, "spawn 2 a"},
				{2.5, ends(2), "Failed 2, forget 2"},
				{3, Tick{}, "spawn 3 a"},
			},
		},
		{
			name: "what is said of a worker that is gone changes nothing",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.5, ends(1), "Failed 1, forget 1"},
				{0.6, proven(1), ""},
				{0.7, Hello(1), ""},
				{0.8, Drained(1), ""},
				{0.9, ends(1), ""},
				{1, Tick{}, "spawn 2 a"},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := Machine{Rules: standard()}
			if test.rules != nil {
				test.rules(&m.Rules)
			}
			follow(t, &m, test.story)
			if m.Done() != test.done || m.gaveUp != test.gaveUp {
				t.Errorf("done is %v and gaveUp %v, want %v and %v", m.Done(), m.gaveUp, test.done, test.gaveUp)
			}
		})
	}
}

// The events that a log or a user interface gets.
func TestMachineReports(t *testing.T) {
	m := Machine{Rules: standard()}
	m.ReadyTimeout = 30 * time.Second
	now := time.Unix(1000, 0)
	a := commands["a"]
	one, two := Worker{1, 101, a}, Worker{2, 102, a}
	check := func(after time.Duration, e Event, want Report) {
		t.Helper()
		now = now.Add(after)
		for _, action := range stepped(t, &m, now, e) {
			if e, ok := action.(Report); ok && e.Kind == want.Kind {
				if fmt.Sprint(e) != fmt.Sprint(want) || fmt.Sprintf("%#v", e) != fmt.Sprintf("%#v", want) {
					t.Errorf("got  %#v\nwant %#v", e, want)
				}
				return
			}
		}
		t.Errorf("%#v was not reported", want)
	}
	stepped(t, &m, now, asks("a"))
	check(2*time.Second, proven(1), Report{Kind: Serving, Worker: one, Elapsed: 2 * time.Second})
	stepped(t, &m, now, Reload{})
	check(3*time.Second, proven(2), Report{Kind: Serving, Worker: two, Elapsed: 3 * time.Second, Others: []Worker{one}, Signal: term})
	check(0, HasExited{1, 15, nil, ""}, Report{Kind: Exited, Worker: one, Status: 15})
	check(time.Minute, ends(2), Report{Kind: Crashed, Worker: two, Status: 1 << 8, Restarting: true})
	check(time.Second, ends(3), Report{Kind: Failed, Worker: Worker{3, 103, a}, Elapsed: time.Second, Status: 1 << 8})
	check(30*time.Second, Tick{}, Report{Kind: TimedOut, Worker: Worker{4, 104, a}, Elapsed: 30 * time.Second})
	check(0, stops(quit), Report{Kind: Stopping, Signal: quit, Others: []Worker{{4, 104, a}}})
}

// world checks the invariants of a machine by its events and actions.
type world struct {
	t       *testing.T
	m       *Machine
	now     time.Time
	alive   map[int]*life
	newest  int                     // generation
	serving int                     // generation that was reported to serve and has not exited; 0: none
	since   time.Time               // when it came to serve
	open    map[uint64]map[int]bool // generations that use each socket from workers
	good    Command                 // the known good command
	gaveUp  bool
	stopped bool
	dead    *life // the last that has exited
	offered []uint64
	history []string
}

// life is what the world knows of a worker.
type life struct {
	command   Command
	proven    bool
	retired   bool // told to stop in any way
	got       map[syscall.Signal]bool
	born      time.Time
	since     time.Time // when it was promoted
	greeted   bool
	execed    bool      // it can't announce any more
	saidReady time.Time // when it said that it serves; zero: it has not
	waits     time.Time // since when it waits; zero: it does not
	blind     bool
	serves    map[uint64]bool
}

// speaks reports whether l is expected to say when it serves.
func (l *life) speaks() bool { return (l.greeted || l.command.ExpectHello()) && !l.execed }

// provenSince returns when the evidence about l became sufficient, by an independent
// calculation; zero: it is not.
func (w *world) provenSince(l *life) time.Time {
	seen, aged := l.waits, l.born.Add(w.m.Interval)
	if w.m.Ready == ByTime {
		return aged
	}
	if w.m.Ready != ByLook && !l.saidReady.IsZero() {
		return l.saidReady
	}
	switch {
	case w.m.Ready == ByMessage:
		return time.Time{}
	case !seen.IsZero() && w.m.Ready == ByMessageOrLook && l.greeted:
		return seen.Add(w.m.Interval)
	case seen.IsZero() && w.m.Ready == ByMessageOrLook && (l.greeted || l.speaks() && len(w.offered) > 0):
		return seen
	case seen.IsZero() && (l.blind || len(w.offered) == 0):
		return aged
	}
	return seen
}

func (w *world) fatalf(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s\nafter %s", fmt.Sprintf(format, args...), strings.Join(w.history, "; "))
}

func (w *world) step(e Event) {
	w.t.Helper()
	w.history = append(w.history, fmt.Sprintf("%v %T%v", w.now.Sub(time.Unix(1000, 0)), e, e))
	w.know(e)
	for _, action := range stepped(w.t, w.m, w.now, e, w.offered...) {
		w.saw(action)
	}
	w.check(e)
}

// know records an event.
func (w *world) know(e Event) {
	switch e := e.(type) {
	case HasExited:
		if w.serving == e.Worker {
			w.serving = 0
		}
		w.dead = w.alive[e.Worker]
		delete(w.alive, e.Worker)
	case Hello:
		if l := w.alive[int(e)]; l != nil {
			l.greeted = true
		}
	case Execed:
		if l := w.alive[int(e)]; l != nil {
			l.greeted, l.execed = false, true
		}
	case SaidReady:
		if l := w.alive[int(e)]; l != nil {
			l.saidReady = first(l.saidReady, w.now)
		}
	case Accepts:
		if l := w.alive[e.Worker]; l != nil {
			l.serves[e.Socket] = true
		}
	case Listens:
		if w.open[e.Socket] == nil {
			w.open[e.Socket] = map[int]bool{}
		}
		w.open[e.Socket][e.Worker] = true
	case Sees:
		if l := w.alive[e.Worker]; l != nil {
			if l.blind = e.Unreadable != nil; len(e.Waits) == 0 {
				l.waits = time.Time{}
			} else {
				l.waits = first(l.waits, w.now)
			}
		}
	}
}

// drop closes the sockets that only the given generations use.
func (w *world) drop(gone func(generation int) bool) {
	for socket, users := range w.open {
		for user := range users {
			if gone(user) {
				delete(users, user)
			}
		}
		if len(users) == 0 {
			delete(w.open, socket)
		}
	}
}

func (w *world) saw(action any) {
	w.t.Helper()
	switch a := action.(type) {
	case Spawn:
		if w.stopped {
			w.fatalf("spawned %d after stop", a.Generation)
		}
		if a.Generation != w.newest+1 {
			w.fatalf("generation %d follows %d", a.Generation, w.newest)
		}
		if a.Command == nil {
			w.fatalf("spawned nothing")
		}
		for generation, l := range w.alive {
			if !l.proven && !l.retired {
				w.fatalf("spawned %d while %d was starting", a.Generation, generation)
			}
		}
		if generation := w.occupant(); generation > 0 {
			w.fatalf("spawned %d while %d, which never served, may hold its address", a.Generation, generation)
		}
		if w.m.oneAtATime() && len(w.alive) > 0 {
			w.fatalf("spawned %d while %d live, one at a time", a.Generation, len(w.alive))
		}
		w.newest, w.gaveUp = a.Generation, false
		w.alive[a.Generation] = &life{command: a.Command, got: map[syscall.Signal]bool{}, born: w.now, serves: map[uint64]bool{}}
	case Signal:
		l := w.alive[a.Generation]
		switch {
		case l == nil:
			w.fatalf("signalled %d, which is dead", a.Generation)
		case l.got[a.Signal]:
			w.fatalf("sent %v to %d twice", a.Signal, a.Generation)
		case l.got[syscall.SIGKILL]:
			w.fatalf("sent %v to %d after SIGKILL", a.Signal, a.Generation)
		}
		l.got[a.Signal], l.retired = true, true
	case Drain:
		l := w.alive[a.Generation]
		if l == nil || l.retired {
			w.fatalf("told %d to drain, which is dead or retired", a.Generation)
		}
		l.retired = true
	case Settle:
		if a.Generation != w.serving {
			w.fatalf("settled %d while %d serves", a.Generation, w.serving)
		}
		if w.now.Sub(w.since) < w.m.Linger {
			w.fatalf("let go of what is left out %v after %d took over", w.now.Sub(w.since), a.Generation)
		}
		w.good = w.alive[a.Generation].command
		w.drop(func(user int) bool { return user < a.Generation })
	case Forget:
		w.drop(func(user int) bool { return user == a.Generation })
	case Report:
		w.told(a)
	}
}

func (w *world) told(e Report) {
	w.t.Helper()
	g := e.Worker.Generation
	switch e.Kind {
	case Serving:
		if l := w.alive[g]; l == nil || l.retired || l.proven {
			w.fatalf("%d serves, which is dead, retired or proven already", g)
		}
		if w.serving > g {
			w.fatalf("%d serves after %d", g, w.serving)
		}
		w.takesOver(e)
		if w.good == nil {
			w.good = e.Worker.Command
		}
		w.alive[g].proven = true
		w.serving, w.since, w.alive[g].since = g, w.now, w.now
	case RolledBack:
		w.rolledBack(e)
	case TimedOut, Superseded:
		w.alive[g].retired = true
	case Contended:
		if l := w.alive[g]; l != nil {
			l.retired = true
		}
	case GaveUp:
		w.gaveUp = true
	case Stopping:
		w.stopped = true
	}
}

// takesOver checks that a worker is ready, and that it serves every socket of the
// previous worker or that the time for that is over.
func (w *world) takesOver(e Report) {
	w.t.Helper()
	l := w.alive[e.Worker.Generation]
	since := w.provenSince(l)
	late := w.m.Ready.Looks() && (l.blind || !l.waits.IsZero()) && !w.now.Before(l.born.Add(w.m.ReadyTimeout))
	if (since.IsZero() || since.After(w.now)) && !late {
		w.fatalf("%d was promoted without proof", e.Worker.Generation)
	}
	if since.IsZero() || len(e.Others) == 0 {
		return
	}
	for socket := range w.alive[e.Others[0].Generation].serves {
		hidden := l.blind && len(w.offered) > 0
		silent := !w.m.find(e.Worker.Generation).announces && w.open[socket][e.Worker.Generation]
		if !l.serves[socket] && !hidden && !silent && w.now.Before(since.Add(w.m.ServeTimeout)) && !w.slowly(e.Worker.Generation, socket) {
			w.fatalf("%d was promoted without socket %d", e.Worker.Generation, socket)
		}
		if len(w.open[socket]) == 0 && len(w.offered) == 0 {
			w.fatalf("socket %d of %d was closed before", socket, e.Others[0].Generation)
		}
	}
}

// slowly reports whether a worker has waited on the socket for so long that it need
// not announce that, or whether it has said that it is ready and announces no
// socket.
func (w *world) slowly(generation int, socket uint64) bool {
	worker := w.m.find(generation)
	since := worker.seen[socket]
	saidReady := !w.alive[generation].saidReady.IsZero() && !worker.announces
	return !since.IsZero() && (saidReady || w.now.Sub(since) >= w.m.Interval) || worker.accepted[socket]
}

// rolledBack checks that a rollback ends with the known good command.
func (w *world) rolledBack(e Report) {
	w.t.Helper()
	switch {
	case w.dead == nil || !w.dead.proven:
		w.fatalf("undid a reload to %d, which has not served", e.Worker.Generation)
	case len(e.Others) > 0:
		old := e.Others[0].Generation
		if l := w.alive[old]; l == nil || l.retired || !l.proven {
			w.fatalf("%d serves again, which is dead or retired", old)
		}
		w.serving, w.since = old, w.alive[old].since
	case w.m.pending == nil && w.m.in(starting) == nil || w.dead.command == w.good || w.now.Sub(w.since) >= w.m.Rollback:
		w.fatalf("undid the reload to %d without need", e.Worker.Generation)
	default:
		if next := w.m.currentCommand(); next != w.good {
			w.fatalf("went back to %v, not to %v", next, w.good)
		}
	}
}

func (w *world) check(event any) {
	w.t.Helper()
	var serving, starting int
	for _, x := range w.m.workers {
		switch x.state {
		case serving0:
			serving++
		case starting0:
			starting++
		}
		if w.alive[x.Generation] == nil {
			w.fatalf("%d is dead and still known", x.Generation)
		}
	}
	if serving > 1 || starting > 1 {
		w.fatalf("%d are serving, %d are starting", serving, starting)
	}
	if w.serving > 0 {
		for socket := range w.alive[w.serving].serves {
			if len(w.open[socket]) == 0 && len(w.offered) == 0 {
				w.fatalf("%d serves on socket %d, which is closed", w.serving, socket)
			}
		}
	}
	if w.m.oneAtATime() && serving+starting > 1 {
		w.fatalf("two run at once")
	}
	alone := w.m.oneAtATime() && w.m.pending != nil
	waits := alone || w.occupant() > 0
	if w.serving > 0 && !w.stopped && !alone && w.m.find(w.serving).state != serving0 {
		w.fatalf("%d served and is retired, but nothing has replaced it", w.serving)
	}
	if serving == 0 && starting == 0 && w.newest > 0 && !w.stopped && !w.gaveUp && w.m.Next().IsZero() && !(waits && len(w.alive) > 0) {
		w.fatalf("nothing serves, starts or will be started")
	}
	if at := w.m.Next(); !at.IsZero() && !at.After(w.now) {
		if _, ok := event.(Tick); ok {
			w.fatalf("after a tick at %v the next one is due at %v", w.now, at)
		}
		w.fatalf("what was due at %v was not done at %v", at, w.now)
	}
	w.checkCrowd()
	if w.m.Done() && len(w.alive) > 0 {
		w.fatalf("done with %d alive", len(w.alive))
	}
}

// occupant returns a worker that was stopped before it served and whose sockets are not kept; 0: there is none.
func (w *world) occupant() int {
	for generation, l := range w.alive {
		if l.retired && !l.proven && !l.speaks() && len(w.offered) == 0 {
			return generation
		}
	}
	return 0
}

// checkCrowd checks that at most maxOld old workers are not being stopped.
func (w *world) checkCrowd() {
	w.t.Helper()
	lingering := 0
	for _, x := range w.m.workers {
		if x.served && x.state != serving && x.state != killed && x.limit.IsZero() {
			lingering++
		}
	}
	if most := w.m.MaxOld; most > 0 && !w.stopped && lingering > most {
		w.fatalf("%d old workers linger, %d may", lingering, most)
	}
}

const serving0, starting0 = serving, starting

// finish stops everything and makes every worker exit.
func (w *world) finish() {
	w.t.Helper()
	w.step(Stop{term})
	w.step(Stop{term})
	for generation, l := range w.alive {
		if !l.got[syscall.SIGKILL] {
			w.fatalf("%d was not killed by the second stop", generation)
		}
	}
	for _, x := range slices.Clone(w.m.workers) {
		w.step(HasExited{Worker: x.Generation, Status: 9})
	}
	if !w.m.Done() || !w.m.Next().IsZero() {
		w.fatalf("all have ended and it is not done, or has something due")
	}
}

// FuzzMachine makes moves in a world. Each move is two bytes: its kind and its
// parameter.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x00, 0, 0, 0, 4, 0x03, 0, 0, 0, 3, 0, 4, 0})
	f.Add([]byte{0x1f, 0, 0, 0, 5, 0, 2, 0, 3, 0, 0, 1, 2, 0, 6, 1, 1, 10, 4, 0, 5, 0})
	f.Add([]byte{0x25, 0, 1, 0, 4, 0, 1, 30, 4, 0, 1, 30, 4, 0, 0, 1, 4, 0})
	f.Add([]byte{0x02, 0x03, 0, 0, 3, 0, 1, 90, 3, 1, 1, 90, 3, 2, 1, 255, 4, 0})
	f.Add([]byte{0x01, 0xd0, 0, 0, 10, 0, 11, 0, 3, 0, 1, 150, 0, 1, 10, 1, 3, 1, 1, 50, 11, 1, 4, 1, 1, 50})
	f.Add([]byte{0x01, 0xf0, 0, 0, 12, 3, 1, 50, 0, 1, 2, 1, 12, 7, 1, 200, 4, 1, 13, 1, 1, 255})
	f.Add([]byte{0xff, 0, 0, 0, 2, 0, 3, 0, 0, 1, 3, 1, 7, 0, 0, 2, 5, 1, 1, 200, 7, 0})
	f.Fuzz(func(t *testing.T, moves []byte) {
		if len(moves) < 2 || len(moves) > 400 {
			return
		}
		w := &world{t: t, now: time.Unix(1000, 0), alive: map[int]*life{}, open: map[uint64]map[int]bool{}}
		w.m = &Machine{Rules: someRules(moves[0], moves[1])}
		if moves[1]&0xc0 != 0 && moves[0]&2 != 0 {
			w.offered = []uint64{0, 1, 2}
		}
		for moves = moves[2:]; len(moves) >= 2; moves = moves[2:] {
			w.move(moves[0]%22, moves[1])
		}
		w.finish()
	})
}

// someRules returns rules by the bits of two bytes.
func someRules(low, high byte) Rules {
	r := standard()
	set := func(bit int, do func()) {
		if (int(high)<<8|int(low))>>bit&1 == 1 {
			do()
		}
	}
	set(0, func() { r.ReadyTimeout = 30 * time.Second })
	set(1, func() { r.KillOldDelay = 3 * time.Second })
	set(2, func() { r.DrainTimeout = 4 * time.Second })
	set(3, func() { r.StopTimeout = 5 * time.Second })
	set(4, func() { r.MaxFailures = 1 })
	set(5, func() { r.MaxFailures = 3 })
	set(6, func() { r.KeepRunning = true })
	set(7, func() { r.RetireSignal = quit })
	set(8, func() { r.AutoRestart = 7 * time.Second })
	set(9, func() { r.MaxOld = 1 })
	set(10, func() { r.MaxOld = 2 })
	set(11, func() { r.MaxFirst = 1 })
	set(12, func() { r.ServeTimeout, r.Linger = 10*time.Second, 10*time.Second })
	set(13, func() { r.Rollback, r.Linger = 10*time.Second, 10*time.Second })
	switch high>>4&3 ^ low>>2&3 {
	case 0:
		r.Overlap = UntilContention
	case 1:
		r.Overlap = OneAtATime
	}
	set(14, func() { r.Ready = ByMessageOrLook })
	set(15, func() { r.Ready = ByLook })
	return r
}

func (w *world) move(kind, n byte) {
	w.t.Helper()
	someone := 0
	if known := w.m.workers; len(known) > 0 {
		someone = known[int(n)%len(known)].Generation
	}
	switch kind {
	case 0:
		w.step(Reload{[]Command{nil, commands["a"], commands["b"]}[n%3]})
	case 1: // time passes, with each tick as it falls due
		w.pass(time.Duration(n) * 100 * time.Millisecond)
	case 2:
		w.step(Hello(someone))
	case 3:
		w.step(proven(someone))
	case 4:
		w.step(HasExited{Worker: someone, Status: 1 << 8})
	case 5:
		w.step(Drained(someone))
	case 6: // a late event about a worker that may have exited
		w.step(proven(int(n) % (w.newest + 1)))
	case 7:
		if n%8 == 0 {
			w.step(Stop{term})
		}
	case 8:
		w.step(Tick{})
	case 9:
		w.step(Dying(someone))
		w.step(HasExited{Worker: someone, Status: 1 << 8})
	case 10, 11: // as in the loop, accepting is about a kept socket
		w.step(Listens{someone, uint64(n % 3)})
		if kind == 11 {
			w.step(Accepts{someone, uint64(n % 3)})
		}
	case 12:
		l := Look{Waits: []uint64{0, 1, 2}[:n%4], Unreadable: [...]error{nil, errHidden}[n/4%2]}
		if l.Unreadable != nil {
			l.Waits = nil
		}
		w.step(Sees{someone, l})
	case 13:
		w.step(SaidReady(someone))
	case 14:
		w.step(WaitsFor{someone, "it"})
	case 15:
		w.step(HasExited{Worker: someone, Status: 1 << 8, Lacks: "it"})
	case 16:
		w.step(Execed(someone))
	case 17:
		w.step(HasExited{Worker: someone}) // with status 0
	case 18:
		w.step(Reload{&program{path: "adopted", hello: true}})
	case 19:
		w.step(Lacks{someone, "it"})
	case 20:
		if w.m.ended && len(w.m.workers) == 0 && w.m.pending == nil { // after Completed
			w.step(Detached{Worker{Generation: 1, PID: 101}})
		}
	case 21:
		w.step(Cleared{})
	}
}

func (w *world) pass(d time.Duration) {
	w.t.Helper()
	until := w.now.Add(d)
	for at := w.m.Next(); !at.IsZero() && !at.After(until); at = w.m.Next() {
		w.now = at
		w.step(Tick{})
	}
	w.now = until
	w.step(Tick{})
}

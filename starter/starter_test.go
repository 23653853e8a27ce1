package starter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hotstart/hotstart/starter/internal/machine"
)

// theatre is the operating system for a Starter in fake time. Its workers do what the
// name of their command says. It records what happens, with the time.
type theatre struct {
	*Starter
	began time.Time
	mu    sync.Mutex
	lines []string
	cast  map[int]*actor
}

// actor is a process made of channels.
type actor struct {
	theatre    *theatre
	generation int
	end        chan syscall.WaitStatus
	status     syscall.WaitStatus
	stubborn   bool // only SIGKILL ends it
}

// newTheatre makes a Starter whose workers are actors. The Path of a command says
// what they do: "ready" in a second, "die" after two seconds, "stubborn".
func newTheatre(o Options) *theatre {
	th := &theatre{began: time.Now(), cast: map[int]*actor{}}
	o.Report = func(e Event) {
		if e.Kind != Signaled { // a test knows its signals
			th.note("%s", kindAndWorker(e))
		}
	}
	o.Ready = cmp.Or(o.Ready, ReadyNotify)
	o = o.withDefaults()
	th.Starter = newStarter(o, th.spawn)
	return th
}

func (th *theatre) note(format string, args ...any) {
	th.mu.Lock()
	defer th.mu.Unlock()
	th.lines = append(th.lines, fmt.Sprintf("%v ", time.Since(th.began))+fmt.Sprintf(format, args...))
}

func (th *theatre) told() string {
	th.mu.Lock()
	defer th.mu.Unlock()
	return strings.Join(th.lines, "\n")
}

func (th *theatre) spawn(s *Starter, generation int, c *Command, _ []string) (*running, error) {
	if c.Path == "missing" {
		return nil, syscall.ENOENT
	}
	a := &actor{theatre: th, generation: generation, end: make(chan syscall.WaitStatus, 8)}
	a.stubborn = strings.Contains(c.Path, "stubborn")
	th.cast[generation] = a
	ctx, cancel := context.WithCancel(context.Background())
	if strings.Contains(c.Path, "ready") {
		go func() {
			select {
			case <-time.After(time.Second):
				s.postEvent(machine.SaidReady(generation))
			case <-ctx.Done():
			}
		}()
	}
	if strings.Contains(c.Path, "die") {
		time.AfterFunc(2*time.Second, func() { a.end <- 1 << 8 })
	}
	return &running{process: a, probeCtx: ctx, stopProbe: cancel}, nil
}

func (a *actor) PID() int { return 100 + a.generation }

func (a *actor) Signal(sig syscall.Signal) error {
	a.theatre.note("%s to %d", SignalName(sig), a.generation)
	if sig == syscall.SIGKILL || sig == syscall.SIGTERM && !a.stubborn {
		a.end <- syscall.WaitStatus(sig)
	}
	return nil
}

func (a *actor) Stop(sig syscall.Signal) error { return a.Signal(sig) }

func (a *actor) Ended() bool { return len(a.end) > 0 }

func (a *actor) Wait() error {
	a.status = <-a.end
	return nil
}

func (a *actor) Reap() syscall.WaitStatus { return a.status }

// play runs a script concurrently with Run, and compares the records.
func play(t *testing.T, o Options, script func(th *theatre, stop context.CancelFunc), wantErr error, want ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(o)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go script(th, stop)
		err := th.Run(ctx)
		th.note("end")
		if err != wantErr {
			t.Errorf("Run returned %v, want %v", err, wantErr)
		}
		if got := th.told(); got != strings.Join(want, "\n") {
			t.Errorf("what happened:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
		}
	})
}

func TestReloadAndStop(t *testing.T) {
	play(t, Options{}, func(th *theatre, stop context.CancelFunc) {
		th.Reload(&Command{Path: "ready"})
		time.Sleep(10 * time.Second)
		th.Signal(syscall.SIGHUP)
		time.Sleep(10 * time.Second)
		stop()
	}, nil,
		"0s Starting 1",
		"1s Serving 1",
		"10s Starting 2",
		"11s Serving 2",
		"11s TERM to 1",
		"11s Exited 1",
		"20s Stopping",
		"20s TERM to 2",
		"20s Exited 2",
		"20s end")
}

// The list of workers is reported before the event that changes it, and a start
// that can't be prepared takes place.
func TestStartsAreAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(Options{})
		th.options.BeforeStart = func(s *Start) error {
			s.AutoRestart = 10 * time.Second
			return errors.New("a folder is missing")
		}
		th.options.ReportWorkers = func(workers []Worker) { th.note("%s", names(workers)) }
		th.Reload(&Command{Path: "ready"})
		ctx, stop := context.WithTimeout(t.Context(), 15*time.Second)
		defer stop()
		if err := th.Run(ctx); err != nil {
			t.Error(err)
		}
		want := []string{
			"0s Warning",
			"0s Starting 1",
			"1s worker 1",
			"1s Serving 1",
			"11s AutoRestart 1",
			"11s Warning",
			"11s Starting 2",
			"12s workers 1, 2",
			"12s Serving 2",
			"12s TERM to 1",
			"12s worker 2",
			"12s Exited 1",
			"15s Stopping",
			"15s TERM to 2",
			"15s no worker",
			"15s Exited 2",
		}
		if got := th.told(); got != strings.Join(want, "\n") {
			t.Errorf("what happened:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
		}
	})
}

func TestTheLatestOfManyReloadsWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(Options{})
		for _, path := range []string{"missing", "die", "ready"} {
			th.Reload(&Command{Path: path})
		}
		th.Reload(nil) // the last request again
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
		defer stop()
		if err := th.Run(ctx); err != nil {
			t.Error(err)
		}
		want := "0s Starting 1\n1s Serving 1\n5s Stopping\n5s TERM to 1\n5s Exited 1"
		if got := th.told(); got != want {
			t.Errorf("what happened:\n%s\nwant:\n%s", got, want)
		}
	})
}

// A tick may find at the same time that a starting worker has died and that an old
// worker is due. The old worker gets its signal once.
func TestAnOldWorkerIsStoppedOnceWhenANewOneHasDied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(Options{KillOldDelay: 3 * time.Second})
		defer th.Close()
		th.step(machine.Reload{Command: identity(&Command{Path: "a"})})
		th.step(machine.SaidReady(1))
		th.step(machine.Reload{Command: identity(&Command{Path: "b"})})
		th.step(machine.SaidReady(2))
		th.step(machine.Reload{Command: identity(&Command{Path: "c"})})
		for _, a := range th.cast {
			defer func() { a.end <- 0 }()
		}
		th.cast[3].end <- 1 << 8
		th.cast[3].end <- 1 << 8 // Wait takes one; the loop does not know yet
		time.Sleep(3 * time.Second)
		th.step(machine.Tick{})
		if got := th.told(); !strings.HasSuffix(got, "3s Retiring 1\n3s TERM to 1") {
			t.Errorf("what happened:\n%s", got)
		}
	})
}

// The same if the old worker has just exited itself.
func TestAnOldWorkerThatHasExitedIsNotStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(Options{KillOldDelay: 3 * time.Second})
		defer th.Close()
		th.step(machine.Reload{Command: identity(&Command{Path: "a"})})
		th.step(machine.SaidReady(1))
		th.step(machine.Reload{Command: identity(&Command{Path: "b"})})
		th.step(machine.SaidReady(2))
		th.step(machine.Reload{Command: identity(&Command{Path: "c"})})
		for _, a := range th.cast {
			defer func() { a.end <- 0 }()
		}
		th.cast[3].end <- 1 << 8
		th.cast[3].end <- 1 << 8
		th.cast[1].end <- 0
		time.Sleep(3 * time.Second)
		synctest.Wait() // for the goroutines that wait for the workers
		th.step(th.exited(1, nil)...)
		if got := th.told(); !strings.HasSuffix(got, "3s Retiring 1\n3s Exited 1") {
			t.Errorf("what happened:\n%s", got)
		}
	})
}

func TestASecondInterruptKills(t *testing.T) {
	play(t, Options{}, func(th *theatre, stop context.CancelFunc) {
		th.Reload(&Command{Path: "ready stubborn"})
		time.Sleep(5 * time.Second)
		th.Signal(syscall.SIGINT)
		time.Sleep(5 * time.Second)
		th.Signal(syscall.SIGINT)
	}, nil,
		"0s Starting 1",
		"1s Serving 1",
		"5s Stopping",
		"5s TERM to 1",
		"10s KILL to 1",
		"10s Exited 1",
		"10s end")
}

func TestAWorkerThatDiesIsReplaced(t *testing.T) {
	play(t, Options{}, func(th *theatre, stop context.CancelFunc) {
		th.Reload(&Command{Path: "ready die"})
		time.Sleep(5500 * time.Millisecond)
		stop()
	}, nil,
		"0s Starting 1",
		"1s Serving 1",
		"2s Crashed 1",
		"2.1s Starting 2",
		"3.1s Serving 2",
		"4.1s Crashed 2",
		"4.2s Starting 3",
		"5.2s Serving 3",
		"5.5s Stopping",
		"5.5s TERM to 3",
		"5.5s Exited 3",
		"5.5s end")
}

func TestAStartThatFailsAtOnceIsTriedAgainAndGivenUp(t *testing.T) {
	play(t, Options{MaxStartFailures: 3}, func(th *theatre, stop context.CancelFunc) {
		th.Reload(&Command{Path: "missing"})
	}, ErrNoWorker,
		"0s Failed 1",
		"1s Failed 2",
		"2s Failed 3",
		"2s GaveUp 3",
		"2s end")
}

func TestAStartThatIsNotProvenTimesOut(t *testing.T) {
	o := Options{Ready: ReadyNotify, ReadyTimeout: 30 * time.Second, StopTimeout: 5 * time.Second, MaxStartFailures: 1, KeepRunning: true}
	play(t, o, func(th *theatre, stop context.CancelFunc) {
		th.Reload(&Command{Path: "ready"})
		time.Sleep(time.Minute)
		th.Reload(&Command{Path: "stubborn"})
		time.Sleep(time.Minute)
		stop()
	}, nil,
		"0s Starting 1",
		"1s Serving 1",
		"1m0s Starting 2",
		"1m30s TimedOut 2",
		"1m30s GaveUp 2",
		"1m30s TERM to 2",
		"1m35s Killing 2",
		"1m35s KILL to 2",
		"1m35s Exited 2",
		"2m0s Stopping",
		"2m0s TERM to 1",
		"2m0s Exited 1",
		"2m0s end")
}

func TestTimeoutsChangeForWhatBeginsLater(t *testing.T) {
	o := Options{Ready: ReadyNotify, ReadyTimeout: 30 * time.Second, StopTimeout: 5 * time.Second, MaxStartFailures: 1, KeepRunning: true}
	play(t, o, func(th *theatre, stop context.CancelFunc) {
		th.Reload(&Command{Path: "stubborn"})
		time.Sleep(time.Second)
		th.SetTimeouts(Options{ReadyTimeout: time.Hour, StopTimeout: time.Hour}) // the latest counts
		th.SetTimeouts(Options{ReadyTimeout: 10 * time.Second, StopTimeout: 2 * time.Second})
		time.Sleep(time.Minute)
		th.Reload(&Command{Path: "stubborn"})
		time.Sleep(time.Minute)
		stop()
	}, nil,
		"0s Starting 1",
		"30s TimedOut 1",
		"30s GaveUp 1",
		"30s TERM to 1",
		"32s Killing 1",
		"32s KILL to 1",
		"32s Exited 1",
		"1m1s Starting 2",
		"1m11s TimedOut 2",
		"1m11s GaveUp 2",
		"1m11s TERM to 2",
		"1m13s Killing 2",
		"1m13s KILL to 2",
		"1m13s Exited 2",
		"2m1s Stopping",
		"2m1s end")
}

func TestOtherSignalsReachTheServingWorker(t *testing.T) {
	play(t, Options{}, func(th *theatre, stop context.CancelFunc) {
		th.Signal(syscall.SIGUSR1) // no worker serves
		th.Reload(&Command{Path: "ready"})
		time.Sleep(2 * time.Second)
		th.Signal(syscall.SIGWINCH)
		time.Sleep(2 * time.Second)
		th.Signal(syscall.SIGHUP)
		time.Sleep(2 * time.Second)
		th.Signal(syscall.SIGQUIT)
		time.Sleep(time.Second)
		th.Signal(syscall.SIGTERM)
	}, nil,
		"0s Starting 1",
		"1s Serving 1",
		"2s WINCH to 1",
		"4s Starting 2",
		"5s Serving 2",
		"5s TERM to 1",
		"5s Exited 1",
		"6s QUIT to 2",
		"7s Stopping",
		"7s TERM to 2",
		"7s Exited 2",
		"7s end")
}

// Readiness and exit may be received in any order.
func TestAWorkerThatIsDeadWhenProvenDoesNotReplaceTheOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(Options{})
		th.step(machine.Reload{Command: identity(&Command{Path: "old"})})
		th.step(machine.SaidReady(1))
		th.step(machine.Reload{})
		dead := th.cast[2]
		dead.theatre = &theatre{}
		dead.end <- 1 << 8
		dead.end <- 1 << 8 // as if it were not reaped yet
		synctest.Wait()
		th.step(machine.SaidReady(2))
		if w, _ := th.machine.Serving(); w.Generation != 1 {
			t.Error("the proof of a dead worker counts")
		}
		th.cast[1].end <- 0
		<-dead.end
		th.Close()
	})
}

func TestNothingBlocksAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(Options{})
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := th.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
		for range 100 {
			th.Signal(syscall.SIGTERM)
			th.Signal(syscall.SIGHUP)
			th.Reload(&Command{Path: "ready"})
		}
		if th.postEvent(machine.SaidReady(1)) {
			t.Error("somebody was told")
		}
		th.Close()
		if err := th.Run(t.Context()); err == nil {
			t.Error("it ran twice")
		}
	})
}

func TestReloadFromReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(Options{})
		ctx, stop := context.WithCancel(t.Context())
		th.options.Report = func(e Event) {
			th.note("%s", kindAndWorker(e))
			switch {
			case e.Kind == Serving && e.Worker.Generation < 3:
				th.Reload(nil)
			case e.Kind == Serving:
				stop()
			}
		}
		th.Reload(&Command{Path: "ready"})
		if err := th.Run(ctx); err != nil {
			t.Error(err)
		}
		if !strings.Contains(th.told(), "3s Serving 3\n") {
			t.Errorf("what happened:\n%s", th.told())
		}
	})
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		o    Options
		want string
	}{
		{"a port that is none", Options{Ports: []string{"http"}}, `port "http": not a port`},
		{"a descriptor that is taken", Options{Ports: []string{"0=5", "127.0.0.1:0=5"}}, `port "127.0.0.1:0=5": descriptor 5 is that of port "0=5"`},
		{"an empty path", Options{Paths: []string{""}}, `path "": empty`},
		{"KillDescendants without CanReexec", Options{KillDescendants: true}, "starter: Options.KillDescendants needs Options.CanReexec"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := New(test.o)
			if err == nil || err.Error() != test.want {
				t.Errorf("New: %v, want %s", err, test.want)
			}
		})
	}
}

// Not parallel: another test could be given the port that was closed.
func TestAddressesAndClose(t *testing.T) {
	path := t.TempDir() + "/sock"
	s, err := New(Options{Ports: []string{"127.0.0.1:0", "u0"}, Paths: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	all := s.Addresses()
	if len(all) != 3 || all[0].Network != "tcp4" || all[0].Port == 0 || all[0].Key != "127.0.0.1:0" ||
		all[1].Network != "udp4" || all[1].Port == 0 || all[2].Path != path {
		t.Errorf("addresses: %+v", all)
	}
	at := fmt.Sprintf("127.0.0.1:%d", all[0].Port)
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	s.Close()
	s.Close()
	if _, err := net.Dial("tcp", at); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialing after Close: %v", err)
	}
	if len(s.Addresses()) != 3 {
		t.Error("the addresses were forgotten")
	}
}

func kindAndWorker(e Event) string {
	if e.Worker.Generation == 0 {
		return fmt.Sprint(e.Kind)
	}
	return fmt.Sprintf("%v %d", e.Kind, e.Worker.Generation)
}

package supervisor

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
	"github.com/hotstart/hotstart/starter"
)

// fake is a starter that passes each signal on as an event.
type fake struct {
	s       *Supervisor
	mu      sync.Mutex
	accepts int // how many more times an old worker is seen to accept connections
}

func (f *fake) Addresses() []starter.Address { return nil }
func (f *fake) Signal(sig syscall.Signal) {
	f.s.Handle(starter.Event{Kind: starter.Signaled, Signal: sig})
}

func (f *fake) Accepting(starter.Worker) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.accepts--
	return f.accepts >= 0, nil
}

func of(generation int) starter.Worker {
	return starter.Worker{Generation: generation, PID: 100 + generation}
}

func (f *fake) is(kind starter.Kind, generation int, others ...starter.Worker) {
	f.s.Handle(starter.Event{Kind: kind, Worker: of(generation), Others: others, Status: 1 << 8})
}

// serving returns a supervisor whose first worker serves.
func serving(keepsOld bool) *fake {
	f := &fake{}
	f.s = New(control.Instance{}, f, keepsOld, Output{})
	f.is(starter.Starting, 1)
	f.is(starter.Serving, 1)
	return f
}

type answer struct {
	control.Result
	err error
}

// reload asks for a reload.
func (f *fake) reload(ctx context.Context, how control.Reload) <-chan answer {
	c := make(chan answer, 1)
	go func() {
		r, err := f.s.Reload(ctx, how)
		c <- answer{r, err}
	}()
	synctest.Wait()
	return c
}

// early fails if an answer is there already.
func early(t *testing.T, c <-chan answer) {
	t.Helper()
	synctest.Wait()
	select {
	case a := <-c:
		t.Fatalf("answered too early: %+v", a)
	default:
	}
}

func TestReloadIsAnsweredByItsOwnWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serving(false)
		f.is(starter.Starting, 2) // of an earlier request
		c := f.reload(t.Context(), control.Reload{Wait: true})
		f.is(starter.Serving, 2, of(1))
		early(t, c)
		f.is(starter.Starting, 3)
		early(t, c)
		f.mu.Lock()
		f.accepts = 3
		f.mu.Unlock()
		time.Sleep(time.Second)
		f.is(starter.Serving, 3, of(2))
		a := <-c
		if a.err != nil || a.Outcome != control.Served || a.Serving.Generation != 3 || a.Receipt == nil || a.Receipt.ReadyMS != 1000 || a.Receipt.DrainedMS != nil {
			t.Errorf("got %+v, receipt %+v", a, a.Receipt)
		}
		if f.accepts > 0 {
			t.Error("answered while an old worker accepted connections")
		}
	})
}

func TestReloadFailsWithTheFirstStart(t *testing.T) {
	for _, kind := range []starter.Kind{starter.Failed, starter.TimedOut} {
		synctest.Test(t, func(t *testing.T) {
			f := serving(false)
			c := f.reload(t.Context(), control.Reload{Wait: true})
			f.is(starter.Starting, 2)
			f.is(kind, 2)
			a := <-c
			if a.err != nil || a.Outcome != control.Failed || a.Failure == nil || a.Failure.Reason != control.StartFailed || a.Serving.Generation != 1 {
				t.Errorf("%v: got %+v", kind, a)
			}
		})
	}
}

func TestReloadWaitsUntilOldWorkersHaveExited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serving(true)
		c := f.reload(t.Context(), control.Reload{Wait: true, Drained: true})
		f.is(starter.Starting, 2)
		f.is(starter.Serving, 2, of(1))
		early(t, c)
		time.Sleep(3 * time.Second)
		f.is(starter.Exited, 1)
		if a := <-c; a.Outcome != control.Served || *a.Receipt.DrainedMS != 3000 {
			t.Errorf("got %+v", a)
		}
	})
}

func TestWaitsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serving(false)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if a := <-f.reload(ctx, control.Reload{Wait: true}); !errors.Is(a.err, context.DeadlineExceeded) {
			t.Errorf("got %+v", a)
		}
		if len(f.s.waits) != 0 {
			t.Error("a client that left is kept")
		}
		c := f.reload(t.Context(), control.Reload{Wait: true})
		f.s.Stop(t.Context())
		if a := <-c; a.Outcome != control.Ends || a.State != control.Stopping {
			t.Errorf("got %+v", a)
		}
		if _, err := f.s.Reload(t.Context(), control.Reload{}); err == nil {
			t.Error("a reload after the stop is accepted")
		}
	})
}

func TestWaitReturnsWhenNothingIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serving(false)
		wait := func() <-chan answer {
			c := make(chan answer, 1)
			go func() {
				r, err := f.s.Wait(t.Context())
				c <- answer{r, err}
			}()
			return c
		}
		if a := <-wait(); a.Outcome != control.Served {
			t.Errorf("got %+v", a)
		}
		f.s.Reload(t.Context(), control.Reload{})
		c := wait()
		early(t, c)
		f.is(starter.Starting, 2)
		early(t, c)
		f.is(starter.Serving, 2, of(1))
		if a := <-c; a.Outcome != control.Served || a.Serving.Generation != 2 {
			t.Errorf("got %+v", a)
		}
	})
}

package starter

import (
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter/internal/machine"
)

func TestHold(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{DrainTimeout: time.Hour})
	one := d.worker(1)
	hold := func(workers ...Worker) { d.step(d.hold(hold{1500 * time.Millisecond, workers})...) }
	hold(one) // before hello
	d.step(d.says("hello", "1")...)
	d.says("holding")
	if last := d.events[len(d.events)-1]; last.Kind != Holding || last.Worker != one {
		t.Errorf("reported %v", last)
	}
	hold(one) // as before
	hold()
	hold()
	d.says("holding") // late
	if len(d.events) != 2 {
		t.Errorf("events %v", d.events)
	}
	d.step(machine.SaidReady(1))
	hold(one)
	d.step(machine.Stop{Signal: syscall.SIGTERM})
	hold()
	hold(one)
	if lines, _ := d.reads(t); lines != "hold 1500\nrelease\nhold 1500\ndrain\n" {
		t.Errorf("the worker reads %q", lines)
	}
}

// An unknown worker, and one without a broker, are not told anything.
func TestHoldOfAWorkerThatIsGone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	d.step(d.hangUp(1, nil)...)
	if events := d.hold(hold{time.Second, []Worker{{Generation: 1}, {Generation: 2}}}); events != nil {
		t.Errorf("led to %v", events)
	}
}

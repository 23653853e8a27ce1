package roster

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
	"github.com/hotstart/hotstart/starter"
)

func of(generation int) starter.Worker {
	return starter.Worker{Generation: generation, PID: 100 + generation}
}

func event(kind starter.Kind, generation int, others ...int) starter.Event {
	e := starter.Event{Kind: kind, Worker: of(generation)}
	for _, o := range others {
		e.Others = append(e.Others, of(o))
	}
	return e
}

// Each story ends with the roster in the form "serving starting | draining".
func TestRoster(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		events []starter.Event
		want   string
		counts control.Counters
	}{
		"a first start": {
			[]starter.Event{event(starter.Starting, 1), event(starter.Serving, 1)}, "1 0 |", control.Counters{Starts: 1},
		},
		"a reload whose old worker still drains": {
			[]starter.Event{event(starter.Starting, 1), event(starter.Serving, 1), event(starter.Starting, 2), event(starter.Serving, 2, 1)},
			"2 0 | 1", control.Counters{Starts: 2, Reloads: 1},
		},
		"a reload whose old worker has exited": {
			[]starter.Event{event(starter.Starting, 1), event(starter.Serving, 1), event(starter.Starting, 2), event(starter.Serving, 2, 1), event(starter.Exited, 1)},
			"2 0 |", control.Counters{Starts: 2, Reloads: 1},
		},
		"one worker at a time": {
			[]starter.Event{event(starter.Starting, 1), event(starter.Serving, 1), event(starter.Retiring, 1), event(starter.Exited, 1), event(starter.Starting, 2)},
			"0 2 |", control.Counters{Starts: 2},
		},
		"a start that fails, and one that is too slow": {
			[]starter.Event{
				event(starter.Starting, 1), event(starter.Serving, 1), event(starter.Starting, 2), event(starter.Failed, 2), event(starter.Starting, 3), event(starter.TimedOut, 3),
			},
			"1 0 | 3", control.Counters{Starts: 3, StartsFailed: 2},
		},
		"a crash, and the start after it": {
			[]starter.Event{event(starter.Starting, 1), event(starter.Serving, 1), event(starter.Crashed, 1), event(starter.Starting, 2)},
			"0 2 |", control.Counters{Starts: 2, Crashes: 1},
		},
		"a rollback to a worker that still runs": {
			[]starter.Event{event(starter.Starting, 1), event(starter.Serving, 1), event(starter.Starting, 2), event(starter.Serving, 2, 1), event(starter.RolledBack, 2, 1)},
			"1 0 |", control.Counters{Starts: 2, Reloads: 1, Crashes: 1},
		},
		"the end": {
			[]starter.Event{event(starter.Starting, 1), event(starter.Serving, 1), event(starter.Stopping, 0, 1)}, "0 0 | 1", control.Counters{Starts: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r Roster
			for i, e := range story.events {
				r.Handle(time.Unix(int64(i), 0), e)
			}
			if got := show(r); got != story.want || r.Counters != story.counts {
				t.Errorf("got %q, %+v; want %q, %+v", got, r.Counters, story.want, story.counts)
			}
		})
	}
}

func show(r Roster) string {
	number := func(w *control.Worker) int {
		if w == nil {
			return 0
		}
		return w.Generation
	}
	text := fmt.Sprintf("%d %d |", number(r.Serving), number(r.Starting))
	for _, w := range r.Draining {
		text += fmt.Sprintf(" %d", w.Generation)
	}
	return strings.TrimSpace(text)
}

// The time of a worker is that of its state.
func TestSinceIsTheBeginOfTheState(t *testing.T) {
	t.Parallel()
	var r Roster
	at := func(s int64, e starter.Event) { r.Handle(time.Unix(s, 0), e) }
	at(1, event(starter.Starting, 1))
	at(2, event(starter.Serving, 1))
	at(3, event(starter.Starting, 2))
	serving := event(starter.Serving, 2, 1)
	serving.Elapsed = 1500 * time.Millisecond
	at(4, serving)
	at(5, event(starter.Retiring, 1)) // after --kill-old-delay
	if w := r.Draining[0]; w.Since.Unix() != 4 {
		t.Errorf("the old worker drains since %v", w.Since)
	}
	if w := r.Serving; w.Since.Unix() != 4 || w.ReadyMS != 1500 {
		t.Errorf("the new worker: %+v", w)
	}
	if r.Drained(2) || !r.Drained(1) {
		t.Error("worker 1 drains")
	}
}

package machine

import (
	"errors"
	"testing"
	"time"
)

var errHidden = errors.New("errHidden")

// When a worker is ready, by the evidence.
func TestProof(t *testing.T) {
	const metrics, main, other = 7, 8, 9
	waits := func(generation int, sockets ...uint64) Sees {
		return Sees{generation, Look{Waits: sockets}}
	}
	begun := func(first ...moment) []moment { // worker 1 serves both sockets
		return append([]moment{
			{0, asks("a"), "spawn 1 a"},
			{0, Hello(1), ""},
			{0, Listens{1, metrics}, ""},
			{0, Listens{1, main}, ""},
			{0, Accepts{1, metrics}, ""},
			{0, Accepts{1, main}, ""},
			{0, SaidReady(1), "Serving 1"},
			{10, Tick{}, "settle 1"},
		}, first...)
	}
	for _, test := range []struct {
		name    string
		ready   Readiness
		offered []uint64
		greets  bool
		story   []moment
	}{
		{
			name: "the main port of a worker that serves metrics first is waited for", ready: ByMessageOrLook,
			story: begun([]moment{
				{20, asks("b"), "spawn 2 b"},
				{20, Hello(2), ""},
				{20, Listens{2, metrics}, ""},
				{20, Accepts{2, metrics}, ""},
				{20, SaidReady(2), ""},
				{24, Listens{2, main}, ""},
				{24.9, Tick{}, ""},
				{25, Accepts{2, main}, "Serving 2, term 1"},
				{35, Tick{}, "settle 2"},
			}...),
		},
		{
			name: "an adopted worker that hangs before it listens does not take over by the clock", ready: ByMessageOrLook, greets: true,
			story: begun([]moment{
				{20, asks("b"), "spawn 2 b"},
				{31, Tick{}, ""},
				{49, Tick{}, ""},
				{50, Tick{}, "TimedOut 2, forget 2, term 2, spawn 3 b"},
			}...),
		},
		{
			name: "whichever comes first", ready: ByMessageOrLook,
			story: begun([]moment{
				{20, asks("b"), "spawn 2 b"},
				{20, Hello(2), ""},
				{20, Listens{2, main}, ""},
				{20, Accepts{2, main}, ""},
				{20, SaidReady(2), ""},
				{24, Listens{2, metrics}, ""},
				{24, Accepts{2, metrics}, "Serving 2, term 1"},
			}...),
		},
		{
			name: "what dies between the first and the last address has failed", ready: ByMessageOrLook,
			story: begun([]moment{
				{20, asks("b"), "spawn 2 b"},
				{20, Hello(2), ""},
				{20, Listens{2, metrics}, ""},
				{20, Accepts{2, metrics}, ""},
				{20, SaidReady(2), ""},
				{24, ends(2), "Failed 2, forget 2, spawn 3 b"},
			}...),
		},
		{
			name: "an address that is left out delays a reload, and is let go later", ready: ByMessageOrLook,
			story: begun([]moment{
				{20, asks("b"), "spawn 2 b"},
				{20, Hello(2), ""},
				{21, Listens{2, main}, ""},
				{21, Accepts{2, main}, ""},
				{22, SaidReady(2), ""},
				{31.9, Tick{}, ""},
				{32, Tick{}, "Serving 2, term 1"},
				{41.9, Tick{}, ""},
				{42, Tick{}, "settle 2"},
				{50, asks("c"), "spawn 3 c"},
				{50, Hello(3), ""},
				{50, Listens{3, main}, ""},
				{50, Accepts{3, main}, ""},
				{50, SaidReady(3), "Serving 3, term 2"},
			}...),
		},
		{
			name: "a start that serves something does not time out before it has had its time", ready: ByMessageOrLook,
			story: begun([]moment{
				{20, asks("b"), "spawn 2 b"},
				{20, Hello(2), ""},
				{49, SaidReady(2), ""},
				{50, Tick{}, ""},
				{59, Tick{}, "Serving 2, term 1"},
			}...),
		},
		{
			name: "what the current worker never accepted on is not waited for longer than the interval", ready: ByMessageOrLook,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, Hello(1), ""},
				{0, Listens{1, main}, ""},
				{0, Listens{1, other}, ""},
				{0, Accepts{1, main}, ""},
				{0, SaidReady(1), ""},
				{1, Tick{}, "Serving 1"},
				{20, asks("b"), "settle 1, spawn 2 b"},
				{20, Hello(2), ""},
				{20, Listens{2, main}, ""},
				{20, Accepts{2, main}, ""},
				{20, SaidReady(2), "Serving 2, term 1"},
			},
		},
		{
			name: "a worker that never says where it accepts does so where it listens", ready: ByMessageOrLook,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, Hello(1), ""},
				{0, Listens{1, metrics}, ""},
				{0, Listens{1, main}, ""},
				{0, SaidReady(1), "Serving 1"},
				{20, asks("b"), "settle 1, spawn 2 b"},
				{20, Hello(2), ""},
				{20, Listens{2, metrics}, ""},
				{20, SaidReady(2), ""},
				{24, Listens{2, main}, "Serving 2, term 1"},
			},
		},
		{
			name: "what the current worker begins to serve during the start counts, too", ready: ByMessageOrLook,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, Tick{}, "Serving 1"}, // a migration of four seconds, then it listens
				{3.5, asks("b"), "spawn 2 b"},
				{4, Hello(1), ""},
				{4, Listens{1, main}, ""},
				{4, Accepts{1, main}, ""},
				{4, SaidReady(1), ""},
				{5, Tick{}, ""},
				{7, Hello(2), ""},
				{7, Listens{2, main}, ""},
				{7, Accepts{2, main}, ""},
				{7, SaidReady(2), "Serving 2, term 1"},
			},
		},
		{
			name: "the kernel does not speak for a program that will say hello", ready: ByMessageOrLook, offered: []uint64{main}, greets: true,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, waits(1, main), ""},
				{20, Tick{}, ""},
				{21, Hello(1), ""},
				{21, Accepts{1, main}, ""},
				{21, SaidReady(1), "Serving 1"},
			},
		},
		{
			name: "it does after the interval if the program has said hello and nothing else", ready: ByMessageOrLook, offered: []uint64{main}, greets: true,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, Hello(1), ""},
				{0, Listens{1, main}, ""},
				{3, waits(1, main), ""},
				{3.5, waits(1), ""},
				{3.6, waits(1, main), ""},
				{4.5, Tick{}, ""},
				{4.6, Tick{}, "Serving 1"},
				{20, asks("b"), "settle 1, spawn 2 b"},
				{20, Hello(2), ""},
				{20, Listens{2, main}, ""},
				{21, waits(2, main), ""},
				{22, Tick{}, "Serving 2, term 1"},
			},
		},
		{
			name: "not for a listener that is only registered", ready: ByMessageOrLook, offered: []uint64{main}, greets: true,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, Hello(1), ""},
				{0, Sees{1, Look{MayWait: []uint64{main}}}, ""},
				{29, Tick{}, ""},
				{30, Tick{}, "TimedOut 1, forget 1, term 1, spawn 2 a"},
			},
		},
		{
			name: "a listener that may be accepted on counts after the interval, which is told once", ready: ByLook, offered: []uint64{main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{5, Sees{1, Look{MayWait: []uint64{main}}}, ""},
				{5.9, Tick{}, ""},
				{6, Tick{}, "AssumedReady 1, Serving 1"},
				{20, asks("b"), "settle 1, spawn 2 b"},
				{21, Sees{2, Look{MayWait: []uint64{main}}}, ""},
				{22, Tick{}, "Serving 2, term 1"},
			},
		},
		{
			name: "and for the one socket on which the program says nothing", ready: ByMessageOrLook,
			story: begun([]moment{
				{20, asks("b"), "spawn 2 b"},
				{20, Hello(2), ""},
				{20, Listens{2, metrics}, ""},
				{20, Accepts{2, metrics}, ""},
				{20, SaidReady(2), ""},
				{23, waits(2, main), ""},
				{24, Tick{}, "Serving 2, term 1"},
			}...),
		},
		{
			name: "ready without a word about sockets counts for those that the worker waits on", ready: ByMessageOrLook, offered: []uint64{main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, Hello(1), ""},
				{0, SaidReady(1), "Serving 1"},
				{20, asks("b"), "settle 1, spawn 2 b"},
				{20, Sees{2, Look{Current: []uint64{main}}}, ""},
				{21, Hello(2), ""},
				{21, waits(2, main), ""},
				{21.5, SaidReady(2), "Serving 2, term 1"},
				{40, asks("c"), "settle 2, spawn 3 c"},
				{40, Sees{3, Look{Current: []uint64{main}}}, ""},
				{41, Hello(3), ""},
				{41, SaidReady(3), ""},
				{41.1, waits(3, main), "Serving 3, term 2"},
			},
		},
		{
			name: "sockets of the options: all that the old worker is seen to wait on", ready: ByLook, offered: []uint64{metrics, main, other},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, waits(1, metrics), ""},
				{1.5, waits(1, metrics, main), ""},
				{2, Tick{}, "Serving 1"}, // other lies unused
				{20, asks("b"), "settle 1, spawn 2 b"},
				{20, waits(2, metrics), ""},
				{21.1, Tick{}, ""},
				{24, waits(2, metrics, main), "Serving 2, term 1"},
			},
		},
		{
			name: "and one that it waits on only now", ready: ByLook, offered: []uint64{metrics, main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, waits(1, metrics), ""},
				{1, Tick{}, "Serving 1"},
				{20, asks("b"), "settle 1, spawn 2 b"},
				{20, Sees{2, Look{Waits: []uint64{metrics}, Current: []uint64{metrics, main}}}, ""},
				{24, Tick{}, ""},
				{30, Tick{}, "Serving 2, term 1"},
			},
		},
		{
			name: "not one after the other: a worker that has stopped to wait does not serve", ready: ByLook, offered: []uint64{metrics, main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, waits(1, metrics), ""},
				{0.9, waits(1), ""},
				{29, Tick{}, ""},
				{30, Tick{}, "TimedOut 1, forget 1, term 1, spawn 2 a"},
			},
		},
		{
			name: "a worker that can't be seen is taken at its living", ready: ByLook, offered: []uint64{main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.1, Sees{1, Look{Unreadable: errHidden}}, ""},
				{0.9, Tick{}, ""},
				{1, Tick{}, "AssumedReady 1, Serving 1"},
			},
		},
		{
			name: "and not killed for saying hello and nothing else", ready: ByMessageOrLook, offered: []uint64{main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.1, Sees{1, Look{Unreadable: errHidden}}, ""},
				{0.2, Hello(1), ""},
				{29, Tick{}, ""},
				{30, Tick{}, "AssumedReady 1, Serving 1"},
			},
		},
		{
			name: "one that is dead already is not promoted by the clock", ready: ByTime,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, Dying(1), ""},
				{2, ends(1), "Failed 1, forget 1, spawn 2 a"},
			},
		},
		{
			name: "the interval counts from when the worker was started, and ready does not count", ready: ByTime, offered: []uint64{main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.1, SaidReady(1), ""},
				{0.9, Tick{}, ""},
				{1, Tick{}, "Serving 1"},
			},
		},
		{
			name: "an answer to the probe", ready: "tcp=:80", offered: []uint64{main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.1, SaidReady(1), ""},
				{0.2, waits(1, main), ""},
				{3, Answered(1), "Serving 1"},
			},
		},
		{
			name: "a reload that supersedes a start which serves half", ready: ByMessageOrLook,
			story: begun([]moment{
				{20, asks("b"), "spawn 2 b"},
				{20, Hello(2), ""},
				{20, Listens{2, metrics}, ""},
				{20, Accepts{2, metrics}, ""},
				{20, SaidReady(2), ""},
				{22, asks("c"), "Superseded 2, forget 2, term 2, spawn 3 c"},
				{23, Accepts{2, main}, ""},
				{23, Hello(3), ""},
				{23, Listens{3, metrics}, ""},
				{23, Listens{3, main}, ""},
				{23, Accepts{3, metrics}, ""},
				{23, SaidReady(3), ""},
				{24, Accepts{3, main}, "Serving 3, term 1"},
			}...),
		},
		{
			name: "another command, before a first worker counts as serving that may serve on sockets of its own", ready: ByMessageOrLook,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.5, asks("b"), ""},
				{0.6, asks("c"), ""},
				{1, Tick{}, "Serving 1, spawn 2 c"},
				{1.5, ends(2), "Failed 2, forget 2"},
			},
		},
		{
			name: "another command, and a first worker dies that was waited for", ready: ByMessageOrLook,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.5, asks("b"), ""},
				{0.6, ends(1), "Failed 1, forget 1, spawn 2 b"},
			},
		},
		{
			name: "another command, while a worker serves on sockets of its own: the next one does not meet the one that is out of date", ready: ByMessageOrLook,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, Tick{}, "Serving 1"},
				{11, Tick{}, "settle 1"},
				{20, asks("b"), "spawn 2 b"},
				{20.5, asks("c"), "Superseded 2, forget 2, term 2"},
				{25.5, Tick{}, "Killing 2, kill 2"},
				{25.6, ends(2), "Exited 2, spawn 3 c"},
			},
		},
		{
			name: "another command, where sockets are kept", ready: ByMessageOrLook, offered: []uint64{main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.5, asks("b"), "Superseded 1, forget 1, term 1, spawn 2 b"},
			},
		},
		{
			name: "another command, where the program is adopted", ready: ByMessageOrLook, greets: true,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.5, asks("b"), "Superseded 1, forget 1, term 1, spawn 2 b"},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := Machine{Rules: standard()}
			m.Ready, m.ReadyTimeout, m.ServeTimeout, m.Linger = test.ready, 30*time.Second, 10*time.Second, 10*time.Second
			for i, step := range test.story {
				if asked, ok := step.event.(Reload); ok && test.greets {
					test.story[i].event = Reload{&program{path: asked.Command.(*program).path, hello: true}}
				}
			}
			follow(t, &m, test.story, test.offered...)
		})
	}
}

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
	waits := func(generation int, sockets ...uint64) sees {
		return sees{generation, Look{Waits: sockets}}
	}
	begun := func(first ...moment) []moment { // worker 1 serves both sockets
		return append([]moment{
			{0, asks("a"), "spawn 1 a"},
			{0, hello{1}, ""},
			{0, listens{1, metrics}, ""},
			{0, listens{1, main}, ""},
			{0, accepting{1, metrics}, ""},
			{0, accepting{1, main}, ""},
			{0, saidReady{1}, "Serving 1"},
			{10, tick{}, "settle 1"},
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
				{20, hello{2}, ""},
				{20, listens{2, metrics}, ""},
				{20, accepting{2, metrics}, ""},
				{20, saidReady{2}, ""},
				{24, listens{2, main}, ""},
				{24.9, tick{}, ""},
				{25, accepting{2, main}, "Serving 2, term 1"},
				{35, tick{}, "settle 2"},
			}...),
		},
		{
			name: "an adopted worker that hangs before it listens does not take over by the clock", ready: ByMessageOrLook, greets: true,
			story: begun([]moment{
				{20, asks("b"), "spawn 2 b"},
				{31, tick{}, ""},
				{49, tick{}, ""},
				{50, tick{}, "TimedOut 2, forget 2, term 2, spawn 3 b"},
			}...),
		},
		{
			name: "whichever comes first", ready: ByMessageOrLook,
			story: begun([]moment{
				{20, asks("b"), "spawn 2 b"},
				{20, hello{2}, ""},
				{20, listens{2, main}, ""},
				{20, accepting{2, main}, ""},
				{20, saidReady{2}, ""},
				{24, listens{2, metrics}, ""},
				{24, accepting{2, metrics}, "Serving 2, term 1"},
			}...),
		},
		{
			name: "what dies between the first and the last address has failed", ready: ByMessageOrLook,
			story: begun([]moment{
				{20, asks("b"), "spawn 2 b"},
				{20, hello{2}, ""},
				{20, listens{2, metrics}, ""},
				{20, accepting{2, metrics}, ""},
				{20, saidReady{2}, ""},
				{24, ends(2), "Failed 2, forget 2, spawn 3 b"},
			}...),
		},
		{
			name: "an address that is left out delays a reload, and is let go later", ready: ByMessageOrLook,
			story: begun([]moment{
				{20, asks("b"), "spawn 2 b"},
				{20, hello{2}, ""},
				{21, listens{2, main}, ""},
				{21, accepting{2, main}, ""},
				{22, saidReady{2}, ""},
				{31.9, tick{}, ""},
				{32, tick{}, "Serving 2, term 1"},
				{41.9, tick{}, ""},
				{42, tick{}, "settle 2"},
				{50, asks("c"), "spawn 3 c"},
				{50, hello{3}, ""},
				{50, listens{3, main}, ""},
				{50, accepting{3, main}, ""},
				{50, saidReady{3}, "Serving 3, term 2"},
			}...),
		},
		{
			name: "a start that serves something does not time out before it has had its time", ready: ByMessageOrLook,
			story: begun([]moment{
				{20, asks("b"), "spawn 2 b"},
				{20, hello{2}, ""},
				{49, saidReady{2}, ""},
				{50, tick{}, ""},
				{59, tick{}, "Serving 2, term 1"},
			}...),
		},
		{
			name: "what the current worker never accepted on is not waited for longer than the interval", ready: ByMessageOrLook,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, hello{1}, ""},
				{0, listens{1, main}, ""},
				{0, listens{1, other}, ""},
				{0, accepting{1, main}, ""},
				{0, saidReady{1}, ""},
				{1, tick{}, "Serving 1"},
				{20, asks("b"), "settle 1, spawn 2 b"},
				{20, hello{2}, ""},
				{20, listens{2, main}, ""},
				{20, accepting{2, main}, ""},
				{20, saidReady{2}, "Serving 2, term 1"},
			},
		},
		{
			name: "a worker that never says where it accepts does so where it listens", ready: ByMessageOrLook,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, hello{1}, ""},
				{0, listens{1, metrics}, ""},
				{0, listens{1, main}, ""},
				{0, saidReady{1}, "Serving 1"},
				{20, asks("b"), "settle 1, spawn 2 b"},
				{20, hello{2}, ""},
				{20, listens{2, metrics}, ""},
				{20, saidReady{2}, ""},
				{24, listens{2, main}, "Serving 2, term 1"},
			},
		},
		{
			name: "what the current worker begins to serve during the start counts, too", ready: ByMessageOrLook,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, tick{}, "Serving 1"}, // a migration of four seconds, then it listens
				{3.5, asks("b"), "spawn 2 b"},
				{4, hello{1}, ""},
				{4, listens{1, main}, ""},
				{4, accepting{1, main}, ""},
				{4, saidReady{1}, ""},
				{5, tick{}, ""},
				{7, hello{2}, ""},
				{7, listens{2, main}, ""},
				{7, accepting{2, main}, ""},
				{7, saidReady{2}, "Serving 2, term 1"},
			},
		},
		{
			name: "the kernel does not speak for a program that will say hello", ready: ByMessageOrLook, offered: []uint64{main}, greets: true,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, waits(1, main), ""},
				{20, tick{}, ""},
				{21, hello{1}, ""},
				{21, accepting{1, main}, ""},
				{21, saidReady{1}, "Serving 1"},
			},
		},
		{
			name: "it does after the interval if the program has said hello and nothing else", ready: ByMessageOrLook, offered: []uint64{main}, greets: true,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, hello{1}, ""},
				{0, listens{1, main}, ""},
				{3, waits(1, main), ""},
				{3.5, waits(1), ""},
				{3.6, waits(1, main), ""},
				{4.5, tick{}, ""},
				{4.6, tick{}, "Serving 1"},
				{20, asks("b"), "settle 1, spawn 2 b"},
				{20, hello{2}, ""},
				{20, listens{2, main}, ""},
				{21, waits(2, main), ""},
				{22, tick{}, "Serving 2, term 1"},
			},
		},
		{
			name: "not for a listener that is only registered", ready: ByMessageOrLook, offered: []uint64{main}, greets: true,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, hello{1}, ""},
				{0, sees{1, Look{MayWait: []uint64{main}}}, ""},
				{29, tick{}, ""},
				{30, tick{}, "TimedOut 1, forget 1, term 1, spawn 2 a"},
			},
		},
		{
			name: "a listener that may be accepted on counts after the interval, which is told once", ready: ByLook, offered: []uint64{main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{5, sees{1, Look{MayWait: []uint64{main}}}, ""},
				{5.9, tick{}, ""},
				{6, tick{}, "AssumedReady 1, Serving 1"},
				{20, asks("b"), "settle 1, spawn 2 b"},
				{21, sees{2, Look{MayWait: []uint64{main}}}, ""},
				{22, tick{}, "Serving 2, term 1"},
			},
		},
		{
			name: "and for the one socket on which the program says nothing", ready: ByMessageOrLook,
			story: begun([]moment{
				{20, asks("b"), "spawn 2 b"},
				{20, hello{2}, ""},
				{20, listens{2, metrics}, ""},
				{20, accepting{2, metrics}, ""},
				{20, saidReady{2}, ""},
				{23, waits(2, main), ""},
				{24, tick{}, "Serving 2, term 1"},
			}...),
		},
		{
			name: "ready without a word about sockets counts for those that the worker waits on", ready: ByMessageOrLook, offered: []uint64{main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, hello{1}, ""},
				{0, saidReady{1}, "Serving 1"},
				{20, asks("b"), "settle 1, spawn 2 b"},
				{20, sees{2, Look{Current: []uint64{main}}}, ""},
				{21, hello{2}, ""},
				{21, waits(2, main), ""},
				{21.5, saidReady{2}, "Serving 2, term 1"},
				{40, asks("c"), "settle 2, spawn 3 c"},
				{40, sees{3, Look{Current: []uint64{main}}}, ""},
				{41, hello{3}, ""},
				{41, saidReady{3}, ""},
				{41.1, waits(3, main), "Serving 3, term 2"},
			},
		},
		{
			name: "sockets of the options: all that the old worker is seen to wait on", ready: ByLook, offered: []uint64{metrics, main, other},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, waits(1, metrics), ""},
				{1.5, waits(1, metrics, main), ""},
				{2, tick{}, "Serving 1"}, // other lies unused
				{20, asks("b"), "settle 1, spawn 2 b"},
				{20, waits(2, metrics), ""},
				{21.1, tick{}, ""},
				{24, waits(2, metrics, main), "Serving 2, term 1"},
			},
		},
		{
			name: "and one that it waits on only now", ready: ByLook, offered: []uint64{metrics, main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, waits(1, metrics), ""},
				{1, tick{}, "Serving 1"},
				{20, asks("b"), "settle 1, spawn 2 b"},
				{20, sees{2, Look{Waits: []uint64{metrics}, Current: []uint64{metrics, main}}}, ""},
				{24, tick{}, ""},
				{30, tick{}, "Serving 2, term 1"},
			},
		},
		{
			name: "not one after the other: a worker that has stopped to wait does not serve", ready: ByLook, offered: []uint64{metrics, main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, waits(1, metrics), ""},
				{0.9, waits(1), ""},
				{29, tick{}, ""},
				{30, tick{}, "TimedOut 1, forget 1, term 1, spawn 2 a"},
			},
		},
		{
			name: "a worker that can't be seen is taken at its living", ready: ByLook, offered: []uint64{main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.1, sees{1, Look{Unreadable: errHidden}}, ""},
				{0.9, tick{}, ""},
				{1, tick{}, "AssumedReady 1, Serving 1"},
			},
		},
		{
			name: "and not killed for saying hello and nothing else", ready: ByMessageOrLook, offered: []uint64{main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.1, sees{1, Look{Unreadable: errHidden}}, ""},
				{0.2, hello{1}, ""},
				{29, tick{}, ""},
				{30, tick{}, "AssumedReady 1, Serving 1"},
			},
		},
		{
			name: "one that is dead already is not promoted by the clock", ready: ByTime,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, dying{1}, ""},
				{2, ends(1), "Failed 1, forget 1, spawn 2 a"},
			},
		},
		{
			name: "the interval counts from when the worker was started, and ready does not count", ready: ByTime, offered: []uint64{main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.1, saidReady{1}, ""},
				{0.9, tick{}, ""},
				{1, tick{}, "Serving 1"},
			},
		},
		{
			name: "an answer to the probe", ready: ByProbe, offered: []uint64{main},
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.1, saidReady{1}, ""},
				{0.2, waits(1, main), ""},
				{3, answered{1}, "Serving 1"},
			},
		},
		{
			name: "a reload that supersedes a start which serves half", ready: ByMessageOrLook,
			story: begun([]moment{
				{20, asks("b"), "spawn 2 b"},
				{20, hello{2}, ""},
				{20, listens{2, metrics}, ""},
				{20, accepting{2, metrics}, ""},
				{20, saidReady{2}, ""},
				{22, asks("c"), "Superseded 2, forget 2, term 2, spawn 3 c"},
				{23, accepting{2, main}, ""},
				{23, hello{3}, ""},
				{23, listens{3, metrics}, ""},
				{23, listens{3, main}, ""},
				{23, accepting{3, metrics}, ""},
				{23, saidReady{3}, ""},
				{24, accepting{3, main}, "Serving 3, term 1"},
			}...),
		},
		{
			name: "another command, before a first worker counts as serving that may serve on sockets of its own", ready: ByMessageOrLook,
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.5, asks("b"), ""},
				{0.6, asks("c"), ""},
				{1, tick{}, "Serving 1, spawn 2 c"},
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
				{1, tick{}, "Serving 1"},
				{11, tick{}, "settle 1"},
				{20, asks("b"), "spawn 2 b"},
				{20.5, asks("c"), "Superseded 2, forget 2, term 2"},
				{25.5, tick{}, "Killing 2, kill 2"},
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
				if asked, ok := step.event.(reload); ok && test.greets {
					test.story[i].event = reload{&program{path: asked.command.(*program).path, hello: true}}
				}
			}
			follow(t, &m, test.story, test.offered...)
		})
	}
}

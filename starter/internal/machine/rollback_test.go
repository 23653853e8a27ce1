package machine

import (
	"testing"
	"time"
)

// What follows when a worker crashes soon after its promotion.
func TestRollBack(t *testing.T) {
	for _, test := range []struct {
		name  string
		rules func(*Rules)
		story []moment
	}{
		{
			name: "the good command is started at once, and the reload is reported as failed",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{11, Tick{}, "Settled 1, settle 1"},
				{20, asks("b"), "spawn 2 b"},
				{21, proven(2), "Serving 2, term 1"},
				{21.2, ends(1), "Exited 1"},
				{21.5, ends(2), "RolledBack 2, forget 2, spawn 3 a"},
				{22, proven(3), "Serving 3"},
				{32, Tick{}, "Settled 3, settle 3"},
				{40, Reload{}, "spawn 4 a"},
			},
		},
		{
			name: "a worker that dies later is started again",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, spawn 2 b"},
				{21, proven(2), "Serving 2, term 1"},
				{31, Tick{}, "Settled 2, settle 2"},
				{31.1, ends(2), "Crashed 2, spawn 3 b"},
			},
		},
		{
			name: "the two don't take turns: what is good by now and dies is only started again",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, spawn 2 b"},
				{21, proven(2), "Serving 2, term 1"},
				{22, ends(2), "RolledBack 2, forget 2, spawn 3 a"},
				{23, proven(3), "Serving 3"},
				{24, ends(3), "Crashed 3, spawn 4 a"},
				{25, proven(4), "Serving 4"},
				{26, ends(4), "Crashed 4, spawn 5 a"},
			},
		},
		{
			name: "of two that were bad neither is good",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, spawn 2 b"},
				{21, proven(2), "Serving 2, term 1"},
				{22, asks("c"), "spawn 3 c"},
				{23, proven(3), "Serving 3, term 2"},
				{24, ends(3), "RolledBack 3, forget 3, spawn 4 a"},
			},
		},
		{
			name: "the first that served is good until another is known to be",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{2, asks("b"), "spawn 2 b"},
				{3, proven(2), "Serving 2, term 1"},
				{4, ends(2), "RolledBack 2, forget 2, spawn 3 a"},
			},
		},
		{
			name: "the first of all has nothing to fall back to",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{2, ends(1), "Crashed 1, spawn 2 a"},
			},
		},
		{
			name:  "a program that has done its work is not run again",
			rules: func(r *Rules) { r.AllowExit = true },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0.5, HasExited{Worker: 1}, "Completed 1"},
				{5, asks("b"), "spawn 2 b"},
				{6, proven(2), "Serving 2"},
				{7, ends(2), "Crashed 2, spawn 3 b"},
			},
		},
		{
			name:  "a start that is under way is what comes next, and if it fails, the good command",
			rules: func(r *Rules) { r.MaxFailures = 1 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, spawn 2 b"},
				{21, proven(2), "Serving 2, term 1"},
				{22, asks("c"), "spawn 3 c"},
				{22.5, ends(2), "Crashed 2"},
				{23, ends(3), "Failed 3, forget 3, GaveUp 3, spawn 4 a"},
			},
		},
		{
			name:  "a good command that does not start any more is given up",
			rules: func(r *Rules) { r.MaxFailures, r.KeepRunning = 1, true },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, spawn 2 b"},
				{21, proven(2), "Serving 2, term 1"},
				{22, ends(2), "RolledBack 2, forget 2, spawn 3 a"},
				{23, ends(3), "Failed 3, forget 3, GaveUp 3"},
			},
		},
		{
			name: "a stop is no rollback",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, spawn 2 b"},
				{21, proven(2), "Serving 2, term 1"},
				{22, stops(term), "Stopping, term 2"},
				{23, ends(2), "Exited 2"},
			},
		},
		{
			name: "a new worker on its way out has nothing to undo",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, spawn 2 b"},
				{21, proven(2), "Serving 2, term 1"},
				{22, asks("c"), "spawn 3 c"},
				{23, proven(3), "Serving 3, term 2"},
				{24, ends(2), "Exited 2"},
			},
		},
		{
			name:  "while the old worker is held, it serves again",
			rules: func(r *Rules) { r.Rollback, r.Linger, r.KillOldDelay = 0, 0, 5*time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{10, Reload{}, "spawn 2 a"},
				{11, proven(2), "Serving 2"},
				{12, ends(2), "RolledBack 2, forget 2"},
				{30, Tick{}, ""},
				{31, Reload{}, "spawn 3 a"},
				{32, proven(3), "Serving 3"},
				{37, Tick{}, "Retiring 1, term 1, settle 3"},
				{38, ends(3), "Crashed 3, spawn 4 a"},
			},
		},
		{
			name:  "of two old workers that are held the younger one does",
			rules: func(r *Rules) { r.Rollback, r.Linger, r.KillOldDelay = 0, 0, 5*time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1, settle 1"},
				{6, Reload{}, "spawn 2 a"},
				{7, proven(2), "Serving 2"},
				{8, Reload{}, "spawn 3 a"},
				{9, proven(3), "Serving 3"},
				{10, ends(3), "RolledBack 3, forget 3"},
				{12, Tick{}, "Retiring 1, term 1, settle 2"},
				{13, ends(2), "Crashed 2, spawn 4 a"},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := Machine{Rules: standard()}
			m.Linger, m.Rollback = 10*time.Second, 10*time.Second
			if test.rules != nil {
				test.rules(&m.Rules)
			}
			follow(t, &m, test.story)
		})
	}
}

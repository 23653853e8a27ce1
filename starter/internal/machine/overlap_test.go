package machine

import (
	"testing"
	"time"
)

// lacks is the exit of a worker that needs what an older worker holds.
func lacks(generation int) HasExited {
	return HasExited{Worker: generation, Status: 1 << 8, Lacks: "the lock on data"}
}

// Only one worker runs at a time.
func TestOneAtATime(t *testing.T) {
	for _, test := range []struct {
		name  string
		rules func(*Rules)
		story []moment
	}{
		{
			name: "the old worker ends before the new one is started",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, Retiring 1, term 1"},
				{21, Tick{}, ""},
				{22, ends(1), "Exited 1, spawn 2 b"},
				{23, proven(2), "Serving 2"},
			},
		},
		{
			name:  "after it has drained",
			rules: func(r *Rules) { r.DrainTimeout, r.StopTimeout = 4*time.Second, 5*time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, Hello(1), ""},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, Retiring 1, drain 1"},
				{24, Tick{}, "DrainTimedOut 1, term 1"},
				{25, Tick{}, "Killing 1, kill 1"},
				{25, ends(1), "Exited 1, spawn 2 b"},
			},
		},
		{
			name: "if the new one fails, what served before is started again",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, Retiring 1, term 1"},
				{21, ends(1), "Exited 1, spawn 2 b"},
				{22, ends(2), "Failed 2, forget 2, GaveUp 2, spawn 3 a"},
				{23, proven(3), "Serving 3"},
			},
		},
		{
			name:  "if it does not get ready, too, once it has left",
			rules: func(r *Rules) { r.ReadyTimeout = 30 * time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, Retiring 1, term 1"},
				{21, ends(1), "Exited 1, spawn 2 b"},
				{51, Tick{}, "TimedOut 2, forget 2, GaveUp 2, term 2"},
				{52, ends(2), "Exited 2, spawn 3 a"},
			},
		},
		{
			name:  "even if that had not served for long; and if it fails by now, what is known to be good",
			rules: func(r *Rules) { r.KeepRunning = true },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, Retiring 1, term 1"},
				{21, ends(1), "Exited 1, spawn 2 b"},
				{22, proven(2), "Serving 2"},
				{23, asks("c"), "Retiring 2, term 2"},
				{24, ends(2), "Exited 2, spawn 3 c"},
				{25, ends(3), "Failed 3, forget 3, GaveUp 3, spawn 4 b"},
				{26, ends(4), "Failed 4, forget 4, GaveUp 4, spawn 5 a"},
				{27, ends(5), "Failed 5, forget 5, spawn 6 a"},
			},
		},
		{
			name: "one that dies early gives way, too",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, Retiring 1, term 1"},
				{21, ends(1), "Exited 1, spawn 2 b"},
				{22, proven(2), "Serving 2"},
				{24, ends(2), "RolledBack 2, forget 2, spawn 3 a"},
			},
		},
		{
			name: "a newer command during the wait is the one that is run",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, Retiring 1, term 1"},
				{21, asks("c"), ""},
				{22, ends(1), "Exited 1, spawn 2 c"},
				{23, asks("b"), "Superseded 2, forget 2, term 2"},
				{24, ends(2), "Exited 2, spawn 3 b"},
			},
		},
		{
			name: "the same command again",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, Reload{}, "Settled 1, settle 1, Retiring 1, term 1"},
				{21, ends(1), "Exited 1, spawn 2 a"},
				{22, ends(2), "Failed 2, forget 2, spawn 3 a"},
			},
		},
		{
			name: "a stop during the wait spawns nothing",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, Retiring 1, term 1"},
				{21, stops(term), "Stopping"},
				{22, ends(1), "Exited 1"},
			},
		},
		{
			name: "a worker that dies is replaced as ever",
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, ends(1), "Crashed 1, spawn 2 a"},
			},
		},
		{
			name:  "auto: a new worker that fails for what the old one holds is started again after that",
			rules: func(r *Rules) { r.Overlap, r.MaxFailures = UntilContention, 1 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, spawn 2 b"},
				{21, lacks(2), "Contended 2, forget 2, Retiring 1, term 1"},
				{22, ends(1), "Exited 1, spawn 3 b"},
				{23, proven(3), "Serving 3"},
				{40, asks("c"), "Settled 3, settle 3, Retiring 3, term 3"},
				{41, ends(3), "Exited 3, spawn 4 c"},
				{42, lacks(4), "Failed 4, forget 4, GaveUp 4, spawn 5 b"},
			},
		},
		{
			name:  "auto: so is one that hangs",
			rules: func(r *Rules) { r.Overlap, r.StopTimeout = UntilContention, 5*time.Second },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, spawn 2 b"},
				{21, WaitsFor{2, "the lock on data"}, "Contended 2, forget 2, term 2, Retiring 1, term 1"},
				{22, ends(1), "Exited 1"},
				{26, Tick{}, "Killing 2, kill 2"},
				{26, ends(2), "Exited 2, spawn 3 b"},
			},
		},
		{
			name:  "auto: so is one that seems to hang twice for the same thing",
			rules: func(r *Rules) { r.Overlap = UntilContention },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, spawn 2 b"},
				{20.9, Tick{}, ""},
				{21, Tick{}, "pry 2"},
				{24, Tick{}, "pry 2"},
				{25, Tick{}, "pry 2 deep"},
				{25, Lacks{2, "the lock on data"}, ""},
				{26, Tick{}, "pry 2 deep"},
				{26, Lacks{2, "the address :80"}, ""},
				{27, Tick{}, "pry 2 deep"},
				{27, Lacks{2, "the address :80"}, "Contended 2, forget 2, term 2, Retiring 1, term 1"},
			},
		},
		{
			name:  "auto: a new worker that serves is not looked at any more",
			rules: func(r *Rules) { r.Overlap, r.Ready = UntilContention, ByTime },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, Tick{}, "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, spawn 2 b"},
				{21, Tick{}, "Serving 2, term 1"},
				{22, Tick{}, ""},
			},
		},
		{
			name:  "auto: what fails otherwise has failed",
			rules: func(r *Rules) { r.Overlap, r.MaxFailures = UntilContention, 1 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, spawn 2 b"},
				{21, ends(2), "Failed 2, forget 2, GaveUp 2"},
				{30, asks("c"), "spawn 3 c"},
			},
		},
		{
			name:  "auto: of old workers that drain, those too many are hurried",
			rules: func(r *Rules) { r.Overlap, r.DrainTimeout, r.MaxOld = UntilContention, time.Minute, 1 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{0, Hello(1), ""},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, spawn 2 b"},
				{20, Hello(2), ""},
				{21, proven(2), "Serving 2, drain 1"},
				{22, asks("c"), "spawn 3 c"},
				{23, lacks(3), "Contended 3, forget 3, Retiring 2, drain 2, Retiring 1, term 1"},
				{24, ends(1), "Exited 1"},
				{25, ends(2), "Exited 2, spawn 4 c"},
			},
		},
		{
			name:  "on: what fails for what the old one holds has failed",
			rules: func(r *Rules) { r.Overlap, r.MaxFailures = Overlapping, 1 },
			story: []moment{
				{0, asks("a"), "spawn 1 a"},
				{1, proven(1), "Serving 1"},
				{20, asks("b"), "Settled 1, settle 1, spawn 2 b"},
				{21, WaitsFor{2, "the lock on data"}, ""},
				{21, lacks(2), "Failed 2, forget 2, GaveUp 2"},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := Machine{Rules: standard()}
			m.Linger, m.Rollback, m.Overlap = 10*time.Second, 10*time.Second, OneAtATime
			if test.rules != nil {
				test.rules(&m.Rules)
			}
			follow(t, &m, test.story)
		})
	}
}

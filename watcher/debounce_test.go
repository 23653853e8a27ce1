package watcher

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// start is the time 0 of the tables below.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

func TestDebounce(t *testing.T) {
	t.Parallel()
	type path struct {
		ms   int
		name string
	}
	for _, test := range []struct {
		name  string
		paths []path
		held  bool
		due   int
		list  string
	}{
		{"one event settles after the settle time", []path{{0, "a"}}, false, 5, "a"},
		{"each event puts the end off", []path{{0, "a"}, {3, "b"}, {6, "a"}}, false, 11, "a b"},
		{"but not after the maximum delay", []path{{0, "a"}, {60, "b"}, {98, "c"}}, false, 100, "a b c"},
		{"held paths wait for the maximum delay", []path{{0, "a"}, {3, "b"}}, true, 100, "a b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := debounce{settle: 5 * time.Millisecond, maxDelay: 100 * time.Millisecond}
			if !g.due().IsZero() || g.settled(start) {
				t.Error("an empty gather is due")
			}
			for _, p := range test.paths {
				g.add(at(p.ms), at(p.ms), p.name)
			}
			if test.held {
				g.hold()
			}
			if got := g.due(); !got.Equal(at(test.due)) {
				t.Errorf("due after %v, want %d ms", got.Sub(start), test.due)
			}
			if g.settled(at(test.due).Add(-1)) || !g.settled(at(test.due)) {
				t.Error("settled disagrees with due")
			}
			if got := strings.Join(g.list(), " "); got != test.list {
				t.Errorf("list %q, want %q", got, test.list)
			}
			clear(g.paths)
			if !g.due().IsZero() || g.settled(at(1000)) {
				t.Error("due after clear")
			}
		})
	}
}

func TestDebounceHoldEndsWithAnEvent(t *testing.T) {
	t.Parallel()
	g := debounce{settle: 5 * time.Millisecond, maxDelay: 100 * time.Millisecond}
	g.add(at(0), at(0), "a")
	g.hold()
	g.add(at(10), at(10), "a")
	if got := g.due(); !got.Equal(at(15)) {
		t.Errorf("due after %v, want 15 ms", got.Sub(start))
	}
}

func TestDebounceSinceIsTheFirstEvent(t *testing.T) {
	t.Parallel()
	g := debounce{settle: 5 * time.Millisecond, maxDelay: 100 * time.Millisecond}
	g.add(at(300), at(20), "b")
	g.add(at(301), at(10), "a")
	if !g.since.Equal(at(10)) {
		t.Errorf("since %v, want 10 ms", g.since.Sub(start))
	}
	if g.late(at(302)) {
		t.Error("late because the set was busy, not because the batch is old")
	}
	clear(g.paths)
	g.add(at(400), at(400), "a")
	if !g.since.Equal(at(400)) {
		t.Errorf("since %v after clear, want 400 ms", g.since.Sub(start))
	}
}

// A batch ends between the settle time and the maximum delay after its first path, with every path.
func TestDebounceInvariants(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		g := debounce{settle: 5 * time.Millisecond, maxDelay: 100 * time.Millisecond}
		var added []string
		now := start
		for !g.settled(now) {
			path := string(rune('a' + random.IntN(20)))
			g.add(now, now, path)
			added = append(added, path)
			if random.IntN(5) == 0 {
				g.hold()
			}
			now = now.Add(time.Duration(random.IntN(6000)) * time.Microsecond)
		}
		if due := g.due().Sub(start); due < g.settle || due > g.maxDelay {
			t.Fatalf("seed %d: due after %v", seed, due)
		}
		slices.Sort(added)
		if got := g.list(); !slices.Equal(got, slices.Compact(added)) {
			t.Fatalf("seed %d: list %v, want %v", seed, got, added)
		}
	}
}

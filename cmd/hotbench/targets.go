package main

import (
	"fmt"
	"strings"
)

// target is a goal and the figures that show whether it is met.
type target struct {
	what, target, measured string
	met                    bool
}

func targets(f *figures) []target {
	return append(append(editTargets(f), idleTargets(f)...), signalTargets(f)...)
}

// editTargets are about the time from a save to the first new answer.
func editTargets(f *figures) (all []target) {
	for _, t := range []struct {
		program, what string
		ratio         float64
	}{
		{"small", "save to first new answer, small server", 0.2},
		{"leaf", "the same, a package that 50 of 300 import", 0.15},
		{"exports", "the same, if its exports change", 0.5},
		{"large", "the same, a thousand packages", 0.08},
	} {
		s := f.summary(t.program, ours)
		if s.Edits == 0 {
			continue
		}
		all = append(all, target{t.what, fmt.Sprintf("at most %.2f of the bare go build", t.ratio), fmt.Sprintf("%.2f", s.Ratio), s.Ratio <= t.ratio})
		if air := f.summary(t.program, "air"); t.program == "small" && air.Edits > 0 {
			all = append(all, target{"", "at least 3 times faster than air", fmt.Sprintf("%.1f times", air.Median/s.Median), air.Median >= 3*s.Median})
		}
	}
	var asked, lost int
	for _, p := range programs() {
		s := f.summary(p.name, ours)
		asked, lost = asked+s.Asked, lost+s.Lost
	}
	return append(all, target{"lost requests, all programs", "0", fmt.Sprintf("%d of %d", lost, asked), lost == 0 && asked > 0})
}

// idleTargets are about hotstart when nothing happens.
func idleTargets(f *figures) (all []target) {
	var memory, wakes []string
	small, asleep := true, true
	for _, p := range programs() {
		if r := f.summary(p.name, ours).Rest; r != nil {
			memory, wakes = append(memory, fmt.Sprintf("%s %.0f MB", p.name, megabytes(r.RSS))), append(wakes, fmt.Sprintf("%s %d", p.name, r.Wakes))
			small, asleep = small && megabytes(r.RSS) < 30, asleep && r.Wakes == 0
		}
	}
	if len(memory) == 0 {
		return nil
	}
	all = []target{
		{"idle", "no wake-ups in 10 s", strings.Join(wakes, ", "), asleep},
		{"", "RSS under 30 MB", strings.Join(memory, ", "), small},
	}
	alone, amid := f.summary("small", ours), f.summary("tree", ours)
	if alone.Rest == nil || amid.Rest == nil {
		return all
	}
	return append(all, target{"200,000 files around the small server", "not more watches, memory or start time",
		fmt.Sprintf("watches %d and %d, RSS %.1f and %.1f MB, start %.0f and %.0f ms", alone.Rest.Watches, amid.Rest.Watches,
			megabytes(alone.Rest.RSS), megabytes(amid.Rest.RSS), alone.Start, amid.Start),
		amid.Rest.Watches <= alone.Rest.Watches && !exceeds(float64(amid.Rest.RSS), float64(alone.Rest.RSS)) && !exceeds(amid.Start, alone.Start)})
}

// exceeds reports whether a is greater than b by more than the difference of
// two measurements of the same thing.
func exceeds(a, b float64) bool { return a > 1.15*b }

func signalTargets(f *figures) []target {
	s, start := f.summary("sighup", "hotstart run --ready=auto"), f.summary("sighup", bareStart).Median
	if s.Edits == 0 {
		return nil
	}
	return []target{{"`run`: SIGHUP to new worker current, `--ready=auto`", "the program's own start + 20 ms",
		fmt.Sprintf("%.1f + %.1f ms", start, s.Median-start), s.Median <= start+20}}
}

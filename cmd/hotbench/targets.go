package main

import (
	"fmt"
	"slices"
	"strings"
)

// target is what was aimed at, beside what came of it.
type target struct{ what, target, measured, met string }

func (k *kept) targets() []target {
	return slices.Concat(k.savings(), k.shareTargets(), k.restTargets(), k.hangupTargets(), k.endureTargets())
}

func met(ok bool) string {
	if ok {
		return "yes"
	}
	return "no"
}

// savings are about the time from a save to the first new answer.
func (k *kept) savings() (all []target) {
	for _, t := range []struct {
		program, what string
		ratio         float64
	}{{"small", "save to first new answer, small server", 0.8}, {"large", "the same, a thousand packages", 0.75}} {
		s := k.compare.summary(t.program, ours)
		if s.Edits == 0 {
			continue
		}
		all = append(all, target{t.what, fmt.Sprintf("at most %.2f of the bare go build", t.ratio), fmt.Sprintf("%.2f", s.Ratio), met(s.Ratio <= t.ratio)})
		if air := k.compare.summary(t.program, "air"); t.program == "small" && air.Edits > 0 {
			all = append(all, target{"", "at most 0.60 with direct builds", fmt.Sprintf("%.2f", s.Ratio), met(s.Ratio <= 0.6)},
				target{"", "at least 3 times faster than air", fmt.Sprintf("%.1f times", air.Median/s.Median), met(air.Median >= 3*s.Median)})
		}
	}
	var asked, lost int
	for _, p := range subjects() {
		s := k.compare.summary(p.name, ours)
		asked, lost = asked+s.Asked, lost+s.Lost
	}
	return append(all, target{"lost meanwhile, all programs", "0", fmt.Sprintf("%d of %d", lost, asked), met(lost == 0 && asked > 0)})
}

// shareTargets are about the tool's own part, and about changes that are none.
func (k *kept) shareTargets() (all []target) {
	for _, t := range k.share.Tools {
		if t.Tool != plain && t.Tool != ours {
			continue
		}
		own := k.share.own(t)
		all = append(all, target{"hotstart's own share", "at most 25 ms", fmt.Sprintf("%.1f ms", own), met(own <= 25)})
		for i, c := range t.Changes {
			each := c.CPU / 1e3 / float64(c.Times)
			row := target{c.Kind, "no restart", fmt.Sprintf("%d restarts, %d go commands, %.2f ms of CPU", c.Restarts, c.Builds, each), met(c.Restarts == 0)}
			if i < len(t.Changes)-1 { // the last is in the graph
				row.target = "no restart, no go command, under 1 ms of CPU"
				row.met = met(c.Restarts == 0 && c.Builds == 0 && each < 1)
			}
			all = append(all, row)
		}
	}
	return all
}

// restTargets are about hotstart with nothing to do.
func (k *kept) restTargets() (all []target) {
	var rss, wakes []string
	light, asleep := true, true
	for _, p := range subjects() {
		if r := k.compare.summary(p.name, ours).Rest; r != nil {
			rss, wakes = append(rss, fmt.Sprintf("%s %.0f MB", p.name, megabytes(r.RSS))), append(wakes, fmt.Sprintf("%s %d", p.name, r.Wakes))
			light, asleep = light && megabytes(r.RSS) < 30, asleep && r.Wakes == 0
		}
	}
	if len(rss) == 0 {
		return nil
	}
	all = []target{
		{"at rest", "no wake-ups in 10 s", strings.Join(wakes, ", "), met(asleep)},
		{"", "RSS under 30 MB", strings.Join(rss, ", "), met(light)},
	}
	small, tree := k.compare.summary("small", ours), k.compare.summary("tree", ours)
	if small.Rest == nil || tree.Rest == nil {
		return all
	}
	return append(all, target{"200,000 files around the small server", "no more watches, memory or start time",
		fmt.Sprintf("watches %d and %d, RSS %.1f and %.1f MB, start %.0f and %.0f ms", small.Rest.Watches, tree.Rest.Watches,
			megabytes(small.Rest.RSS), megabytes(tree.Rest.RSS), small.Start, tree.Start),
		met(tree.Rest.Watches <= small.Rest.Watches && nearly(float64(tree.Rest.RSS), float64(small.Rest.RSS)) && nearly(tree.Start, small.Start))})
}

// nearly reports whether a is no more than b, as far as two measurements of
// one thing are equal.
func nearly(a, b float64) bool { return a <= 1.15*b }

func (k *kept) hangupTargets() (all []target) {
	alone := quantile(k.hangup.Start, 0.5)
	for _, d := range k.hangup.Daemons {
		if current := quantile(d.Current, 0.5); strings.HasSuffix(d.Name, "--ready=auto") && len(d.Current) > 0 {
			all = append(all, target{"`run`: SIGHUP to new worker current, `--ready=auto`", "the program's own start + 20 ms",
				fmt.Sprintf("%.1f + %.1f ms", alone, current-alone), met(current <= alone+20)})
		}
	}
	return all
}

func (k *kept) endureTargets() []target {
	e := k.endure.Stretches
	if len(e) < 2 {
		return nil
	}
	// The first stretch is when the heap finds its size.
	first, last := e[len(e)/4], e[len(e)-1]
	ok := nearly(float64(last.RSS), float64(first.RSS)) && last.Files <= first.Files && last.Temporary <= first.Temporary &&
		nearly(last.Median, first.Median) && k.endure.Goroutines <= k.endure.Fresh
	return []target{{fmt.Sprintf("%d reloads in a row", last.Reloads), "no growth and no slowing",
		fmt.Sprintf("since reload %d: RSS %.1f to %.1f MB, descriptors %d to %d, temporary files %d to %d, median %.0f to %.0f ms; goroutines %d, fresh %d",
			first.Reloads, megabytes(first.RSS), megabytes(last.RSS), first.Files, last.Files, first.Temporary, last.Temporary, first.Median, last.Median, k.endure.Goroutines, k.endure.Fresh), met(ok)}}
}

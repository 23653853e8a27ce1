package report

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/starter"
)

// Building reports that the first build begins. Connections wait for its worker.
type Building struct {
	Package   string
	Addresses []starter.Address // that hotstart has opened
	Keys      bool              // keyboard shortcuts are on
}

func (b Building) entry(v View) entry {
	e := entry{name: "building", text: "building " + b.Package}
	if len(b.Addresses) > 0 {
		e.text += "; connections to " + v.list(b.Addresses) + " wait"
		e.Addresses = v.places(b.Addresses)
	}
	if b.Keys {
		e.hint = " (h shows the keys)"
	}
	return e
}

// Postponed reports that hotstart waits for the first change before it builds.
type Postponed struct{ Package string }

func (p Postponed) entry(View) entry {
	return entry{name: "postponed", text: "waiting for a first change to build " + p.Package}
}

// Unchanged reports that a build produced the program that is already running.
type Unchanged struct {
	Worker starter.Worker
	Cause  Cause
	Took   time.Duration
	Fixed  bool
}

func (u Unchanged) entry(v View) entry {
	e := entry{name: "unchanged", fixed: u.Fixed, facts: workerFacts(u.Worker)}
	e.text = u.Cause.then(v, fmt.Sprintf("built in %s: the same program; worker %d keeps running", took(u.Took), u.Worker.Generation))
	e.Changed, e.BuildMS = u.Cause.Changed, milliseconds(u.Took)
	return e
}

// BuildFailed reports that the code has errors.
type BuildFailed struct {
	Cause   Cause
	Errors  []builder.Diagnostic
	Current Current
}

func (b BuildFailed) entry(v View) entry {
	headline := buildFailed
	if n := len(b.Errors); n > 1 {
		headline += " with " + count(n, "error")
	}
	e := b.Current.failure("build_failed", headline, b.Cause.Changed)
	e.text = b.Cause.then(v, headline) + "; " + e.current
	e.Errors, e.problems = problems(b.Errors), b.Errors
	return e
}

const buildFailed = "the build failed"

// BuildImpossible reports that a build failed for another reason than errors in the code.
type BuildImpossible struct {
	Changed []string
	Err     error
	Current Current
}

func (b BuildImpossible) entry(View) entry {
	e := b.Current.failure("build_failed", buildFailed, b.Changed)
	e.text = fmt.Sprintf("%v; %s", b.Err, b.Current)
	e.Errors = []problem{{Message: b.Err.Error()}}
	return e
}

// WrongTarget reports that this machine can't execute programs for the processor for which
// the program was built.
type WrongTarget struct{ Target string }

func (w WrongTarget) entry(View) entry {
	return Warningf("the program is built for %s, and this machine is %s/%s\ngo env -u GOARCH; unset GOARCH",
		w.Target, runtime.GOOS, runtime.GOARCH).entry(View{})
}

// BusyFiles reports that files change faster than the program is built.
type BusyFiles struct {
	Files  []string // at least one
	Builds int      // number of builds in a row during which the files changed
	Ignore []string // those of Files that --ignore could exclude, as patterns
}

func (b BusyFiles) entry(v View) entry {
	return Warningf("%s changed during each of the last %d builds; this build is finished before the next one starts%s",
		v.names(b.Files), b.Builds, ignoreHint(b.Ignore)).entry(v)
}

// SuspectFiles reports that files changed at each start. The program is started once more,
// to see whether it writes them itself.
type SuspectFiles struct {
	Files  []string
	Starts int // number of starts in a row during which the files changed
}

func (s SuspectFiles) entry(v View) entry {
	return Notef("%s changed during each of the last %d starts; restarting the same program once to see whether it writes that itself",
		v.names(s.Files), s.Starts).entry(v)
}

// OwnWrites reports that the program itself writes the files at each start.
type OwnWrites struct {
	Files  []string // at least one
	Starts int
	Ignore []string // those of Files that --ignore could exclude, as patterns
}

func (o OwnWrites) entry(v View) entry {
	return Warningf("%s changed during each of the last %d starts, so the program seems to write it; such changes no longer reload the program%s",
		v.names(o.Files), o.Starts, ignoreHint(o.Ignore)).entry(v)
}

func ignoreHint(patterns []string) string {
	if len(patterns) == 0 {
		return ""
	}
	return fmt.Sprintf("\n(to ignore it: --ignore='%s')", strings.Join(patterns, ","))
}

// Progress reports that a build takes long. It is shown by the status line alone.
type Progress struct{ builder.Progress }

func (Progress) entry(View) entry { return entry{} }

// RuleRunning reports that a rule takes long. It is shown by the status line alone.
type RuleRunning struct{ Rule string }

func (RuleRunning) entry(View) entry { return entry{} }

// StatusChanged reports that the status line changes or, with a zero Status, vanishes. It
// also ends what Progress and RuleRunning have shown.
type StatusChanged struct {
	Status  Status
	Current Current
}

func (StatusChanged) entry(View) entry { return entry{} }

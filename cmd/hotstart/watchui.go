package main

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
)

// watchUI shows the user of hotstart watch what happened and what is running.
type watchUI struct {
	*ui
	alerts    alerts
	addresses []starter.Address // that hotstart has made
	listens   []starter.Address // that the worker serves; after its end, that it did
	worker    starter.Worker    // the one that serves; zero: none does
	code      time.Time         // when the build of that began
	toldLeft  bool              // an old worker's exit status was told
	stale     stale
	pages     *pages
	keyed     bool        // keys are read
	ruleRuns  []ruleRun   // that are yet to be told of
	adopting  string      // the package by which the program is adopted; "": told already, or it is not
	web       func() bool // reports whether the program has a package that serves HTTP; nil: it may have
}

// building is what comes first. What connects from now on waits.
func (u *watchUI) building(welcome, what string) {
	if welcome != "" {
		u.say("%s", welcome)
	}
	e := event{name: "building", text: "building " + what}
	if len(u.addresses) > 0 {
		e.text += "; connections to " + strings.Join(u.places(u.addresses), ", ") + " wait"
		e.Addresses = u.places(u.addresses)
	}
	if u.keyed {
		e.hint = " (h shows the keys)"
	}
	u.tell(e)
}

// adopted notes what is done to the program that its source does not say, or
// tells why it is not done.
func (u *watchUI) adopted(what string, err error) {
	u.adopting = what
	if err != nil {
		u.adopting = ""
		u.tell(event{name: "not_adopted", text: fmt.Sprintf("not instrumented: %v; the program must take over its sockets itself", err)})
	}
}

// tellAdopted tells how the program is adopted once it serves by a socket that
// is kept: one that binds by system calls of its own, as gnet does, gets nothing
// of that.
func (u *watchUI) tellAdopted() {
	if u.adopting == "" {
		return
	}
	u.tell(event{name: "adopted", text: "instrumented " + u.adopting +
		": listeners survive reloads and in-flight requests are drained (--adopt=off disables this)"})
	u.adopting = ""
}

// kept tells of a socket that the program has bound by itself.
func (u *watchUI) kept(e starter.Event) {
	u.tellAdopted()
	text := fmt.Sprintf("worker %d listens on %s; that socket is kept", e.Worker.Generation, u.placeOf(e.Address))
	facts := factsOf(e.Worker)
	facts.Addresses = u.places([]starter.Address{e.Address})
	u.tell(event{name: "kept", text: text, facts: facts})
	if u.worker == e.Worker {
		u.listens = append(u.listens, e.Address)
	}
}

// closed tells of a socket that the program has bound itself and closed.
func (u *watchUI) closed(e starter.Event) {
	facts := factsOf(e.Worker)
	facts.Addresses = u.places([]starter.Address{e.Address})
	u.tell(event{name: "closed", text: fmt.Sprintf("worker %d has closed its socket of %s", e.Worker.Generation, u.placeOf(e.Address)), facts: facts})
	if u.worker == e.Worker {
		u.listens = slices.DeleteFunc(slices.Clone(u.listens), func(a starter.Address) bool { return a == e.Address })
	}
}

// serving tells of a worker that has taken over, or come back.
func (u *watchUI) serving(e starter.Event, a *attempt, again bool) {
	if len(e.Serves) > 0 {
		u.tellAdopted()
	}
	u.worker, u.code, u.listens = e.Worker, a.began, e.Serves
	line := fmt.Sprintf("%v is %s", e.Worker, u.verb())
	facts := u.served()
	switch {
	case again:
		line = u.mendedBy(a.began) + line + " again (built " + clock(a.began) + ")"
	case a.again:
		line = u.mendedBy(a.began) + u.after(a.changed, "restarted; "+line)
		facts.Changed = a.changed
	default:
		line = u.mendedBy(a.began) + u.after(a.changed, fmt.Sprintf("built in %s; %s", took(a.binary.Took), line))
		facts.Changed, facts.BuildMS = a.changed, milliseconds(a.binary.Took)
	}
	if len(e.Others) > 0 {
		line += fmt.Sprintf("; worker %d finishes", e.Others[0].Generation)
	} else if where := u.where(); where != "" {
		line += " " + where
	}
	u.tell(event{name: "serving", text: line, facts: facts})
}

// served are the facts about what serves.
func (u *watchUI) served() facts {
	f := factsOf(u.worker)
	f.Addresses = u.places(u.listens)
	f.Serving = u.worker.Generation
	if f.Serving != 0 {
		f.CodeOf = u.code.Format(time.RFC3339Nano)
	}
	return f
}

// verb is what a worker does that may not be a server.
func (u *watchUI) verb() string {
	if len(u.listens) == 0 {
		return "running"
	}
	return "serving"
}

// unused warns once about an address on which the program does not listen.
func (u *watchUI) unused(e starter.Event) {
	before := len(u.addresses)
	other := func(a starter.Address) bool { return a == e.Address }
	u.addresses, u.listens = slices.DeleteFunc(u.addresses, other), slices.DeleteFunc(u.listens, other)
	if len(u.addresses) < before {
		u.tell(event{name: "unused", bad: true, facts: factsOf(e.Worker), text: fmt.Sprintf(
			"the program does not listen on %s (--%s); connections to it will hang", u.placeOf(e.Address), flagOf(e.Address))})
	}
}

// unchanged tells of a change that makes no difference to the worker that
// runs the newest code.
func (u *watchUI) unchanged(changed []string, d time.Duration, worker starter.Worker) {
	facts := factsOf(worker)
	facts.Changed, facts.BuildMS = changed, milliseconds(d)
	text := u.after(changed, fmt.Sprintf("built in %s: the same program; worker %d keeps running", took(d), worker.Generation))
	u.tell(event{name: "unchanged", text: u.mended() + text, facts: facts})
}

// buildFailed tells of code that does not build.
func (u *watchUI) buildFailed(changed []string, err *builder.BuildError, standing string) {
	what := "the build failed"
	if n := len(err.Diagnostics); n > 1 {
		what += " with " + count(n, "error")
	}
	e := event{name: "build_failed", bad: true, more: u.diagnostics(err.Diagnostics), facts: u.failing(changed)}
	e.text = u.after(changed, what) + "; " + standing
	e.Errors = problems(err.Diagnostics)
	u.tell(e)
	u.broken(e, what, standing)
}

// failing are the facts about what goes on while newer code does not.
func (u *watchUI) failing(changed []string) facts {
	f := u.served()
	f.Worker, f.PID, f.Addresses, f.Changed = 0, 0, nil, changed
	return f
}

// buildImpossible tells that something else than the code is wrong.
func (u *watchUI) buildImpossible(changed []string, err error, standing string) {
	e := event{name: "build_failed", bad: true, facts: u.failing(changed)}
	e.text = fmt.Sprintf("%v; %s", err, standing)
	e.Errors = []problem{{Message: err.Error()}}
	u.tell(e)
	u.broken(e, "the build failed", standing)
}

// startFailed tells of a worker that did not come to serve.
func (u *watchUI) startFailed(e starter.Event, a *attempt, words term.ExitReport, standing, hint string) {
	var changed []string
	var code time.Time
	if a != nil {
		changed, code = a.changed, a.began
	}
	facts := u.failing(changed)
	facts.Worker, facts.PID = e.Worker.Generation, e.Worker.PID
	facts.Output, facts.Errors = words.Lines, panicOf(words)
	told := event{name: "start_failed", bad: true, text: u.after(changed, e.String()) + "; " + standing, facts: facts}
	told.more = u.words(words) + held(words.Lines) + hint
	if e.Kind == starter.Failed {
		told.Reason = e.Reason()
	} else {
		told.Reason = "it was not ready in time"
	}
	if e.Kind == starter.TimedOut && len(u.addresses) > 0 {
		told.more += fmt.Sprintf("  the program never accepted connections on the socket of %s that hotstart opened for it;\n"+
			"  hotstart watch --help says how a program finds the socket, and --ready selects another check\n", u.addresses[0])
	}
	u.tell(told)
	u.broken(told, fmt.Sprintf("worker %d failed to start", e.Worker.Generation), standing)
	u.stale.code = code // it may only be started once more
}

// slow tells why nothing seems to happen. Where an old worker serves, the new one
// must serve all that it does.
func (u *watchUI) slow(o watchOptions, old starter.Worker) {
	line := "the new worker is not ready yet"
	if o.readyTimeout > 0 {
		line += fmt.Sprintf("; waiting up to %v until it serves (--ready-timeout)", o.readyTimeout)
	}
	if old.PID != 0 {
		line += fmt.Sprintf("; then up to %v until it serves every address of the old worker (--serve-timeout)", o.serveTimeout)
	}
	u.tell(event{name: "slow", text: line})
}

// died tells of a worker that served and ended by itself, and of what comes
// in its place.
func (u *watchUI) died(e starter.Event, words term.ExitReport, stopping bool, starting starter.Worker) {
	u.worker = starter.Worker{}
	next := "; starting it again"
	switch {
	case stopping || !e.Again:
		next = ""
	case starting.PID != 0:
		next = fmt.Sprintf("; worker %d is starting already", starting.Generation)
	}
	facts := factsOf(e.Worker)
	facts.Reason, facts.Output, facts.Errors = e.Reason(), words.Lines, panicOf(words)
	u.tell(event{name: "died", bad: true, text: e.String() + next, more: u.words(words), facts: facts})
}

// rolledBack tells of a worker that has died so soon that older code is
// served again.
func (u *watchUI) rolledBack(e starter.Event, a *attempt, words term.ExitReport, standing string) {
	u.worker = starter.Worker{}
	facts := u.failing(a.changed)
	facts.Worker, facts.PID = e.Worker.Generation, e.Worker.PID
	facts.Reason, facts.Output, facts.Errors = e.Reason(), words.Lines, panicOf(words)
	told := event{name: "rolled_back", bad: true, text: u.after(a.changed, e.String()) + "; " + standing, facts: facts}
	told.more = u.words(words) + held(words.Lines)
	u.tell(told)
	u.broken(told, fmt.Sprintf("worker %d died", e.Worker.Generation), standing)
	u.stale.code = a.began
}

// contended tells that a program is reloaded one worker at a time from now on.
func (u *watchUI) contended(e starter.Event, old starter.Worker) {
	u.tell(event{name: "contended", facts: factsOf(e.Worker), text: fmt.Sprintf(
		"worker %d needs %s, which worker %d holds; from now on the old worker ends before a new one is started, and connections wait (--overlap=off)",
		e.Worker.Generation, e.What, old.Generation)})
}

// unseen tells that a worker is trusted, since nothing shows whether it serves.
func (u *watchUI) unseen(e starter.Event) {
	u.tell(event{name: "unseen", text: e.String(), facts: factsOf(e.Worker)})
}

// letGo tells of an address that nobody serves any more.
func (u *watchUI) letGo(e starter.Event) {
	facts := factsOf(e.Worker)
	facts.Addresses = u.places([]starter.Address{e.Address})
	u.tell(event{name: "let_go", text: fmt.Sprintf("worker %d does not listen on %s, as the worker before it did; that socket is closed",
		e.Worker.Generation, u.placeOf(e.Address)), facts: facts})
}

// left tells of an old worker only if it did not end as it was told to, and once: some
// programs exit with another status than 0 at each signal.
func (u *watchUI) left(e starter.Event) {
	if e.Status.Exited() && e.Status.ExitStatus() != 0 && !u.toldLeft {
		u.toldLeft = true
		facts := factsOf(e.Worker)
		facts.Reason = e.Reason()
		u.tell(event{name: "left", bad: true, text: e.String(), facts: facts})
	}
}

// trouble tells of a worker that does not do as it is told.
func (u *watchUI) trouble(e starter.Event) {
	u.tell(event{name: strings.ToLower(e.Kind.String()), bad: true, text: e.String(), facts: factsOf(e.Worker)})
}

// halted tells of a worker that is stopped and can't know it.
func (u *watchUI) halted(worker starter.Worker) {
	u.tell(event{name: "halted", bad: true, facts: factsOf(worker), text: fmt.Sprintf("%v was stopped by a signal, as every program is that reads from "+
		"the terminal (/dev/tty) in the background; what you type is for hotstart", worker),
		more: "  a passphrase can be given by a file or a variable, or with --stdin, if the program reads it from its standard input\n"})
}

// stopping tells what hotstart waits for before it ends.
func (u *watchUI) stopping(sig syscall.Signal, worker starter.Worker) {
	facts := factsOf(worker)
	facts.Signal = starter.SignalName(sig)
	line := "received " + facts.Signal
	if worker.PID != 0 {
		line += fmt.Sprintf("; waiting for worker %d to finish (signal again to kill it)", worker.Generation)
	}
	u.tell(event{name: "stopping", text: line, facts: facts})
}

// stillServing names the worker that keeps serving, and the time of its build.
func (u *watchUI) stillServing(worker starter.Worker, since time.Time) string {
	return fmt.Sprintf("still serving worker %d (built %s)", worker.Generation, clock(since))
}

// where names every address as a person would type it.
func (u *watchUI) where() string {
	return strings.Join(u.places(u.listens), ", ")
}

// places names each address by placeOf.
func (u *watchUI) places(addresses []starter.Address) (all []string) {
	for _, a := range addresses {
		all = append(all, u.placeOf(a))
	}
	return all
}

// placeOf is what a browser takes where the program serves HTTP, or may do so because it
// has a package for that. Of any other address it is the host and the port.
func (u *watchUI) placeOf(a starter.Address) string {
	if a.Scheme == "" && u.web != nil && !u.web() {
		a.Scheme = "tcp"
	}
	return urlOf(a)
}

// flagOf is the flag by which hotstart was asked to open an address.
func flagOf(a starter.Address) string {
	if a.Network == "unix" {
		return "path"
	}
	return "port"
}

// urlOf is what a browser takes, unless the program was seen to serve something other than
// HTTP there.
func urlOf(a starter.Address) string {
	host, scheme := a.Host, "http://"
	switch {
	case !strings.HasPrefix(a.Network, "tcp"):
		return a.String()
	case host == "" || host == "0.0.0.0" || host == "::":
		host = "localhost"
	}
	switch a.Scheme {
	case "https":
		scheme = "https://"
	case "tcp":
		scheme = ""
	}
	return scheme + net.JoinHostPort(host, strconv.Itoa(a.Port))
}

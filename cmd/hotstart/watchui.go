package main

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/starter"
)

// watchUI tells the user of hotstart watch what happened and what goes on.
type watchUI struct {
	*ui
	addresses []starter.Address // that hotstart has made
	listens   []starter.Address // that the program has bound by itself
	by        int               // the generation that did
}

// building is what comes first. What connects from now on waits.
func (u *watchUI) building(welcome, what string) {
	if welcome != "" {
		u.say("%s", welcome)
	}
	if len(u.addresses) == 0 {
		u.say("building %s", what)
		return
	}
	u.say("building %s; connections to %s wait", what, u.where())
}

// adopted tells once what is done to the program that its source does not
// say, or why it is not done.
func (u *watchUI) adopted(what string, err error) {
	switch {
	case err != nil:
		u.say("not adopted: %v; it has to take over its sockets by itself", err)
	case what != "":
		u.say("adopted by its package %s: the sockets that it binds are kept, and requests finish (--adopt=off)", what)
	}
}

// kept tells of a socket that the program has bound by itself.
func (u *watchUI) kept(e starter.Event) {
	u.say("worker %d listens on %s; that socket is kept", e.Worker.Generation, url(e.Address))
	if u.by != e.Worker.Generation {
		u.by, u.listens = e.Worker.Generation, nil
	}
	u.listens = append(u.listens, e.Address)
}

// serving tells of a worker that has taken over, or come back.
func (u *watchUI) serving(e starter.Event, a *attempt, again bool) {
	line := fmt.Sprintf("%v is %s", e.Worker, u.verb())
	switch {
	case again:
		line += " again, with the code of " + clock(a.began)
	case len(a.changed) == 0:
		line = fmt.Sprintf("built in %s; %s", took(a.binary.Took), line)
	default:
		line = fmt.Sprintf("%s changed; built in %s; %s", u.names(a.changed), took(a.binary.Took), line)
	}
	if len(e.Others) > 0 {
		line += fmt.Sprintf("; worker %d finishes", e.Others[0].Generation)
	} else if where := u.where(); where != "" {
		line += " " + where
	}
	u.say("%s", line)
}

// verb is what a worker does that may not be a server.
func (u *watchUI) verb() string {
	if len(u.addresses)+len(u.listens) == 0 {
		return "running"
	}
	return "serving"
}

// unused warns once of a port on which nobody will ever answer.
func (u *watchUI) unused(e starter.Event) {
	before := len(u.addresses)
	u.addresses = slices.DeleteFunc(u.addresses, func(a starter.Address) bool { return a == e.Address })
	if len(u.addresses) < before {
		u.warn("nothing in the program listens on %s, which hotstart has made: connections to it wait in vain", url(e.Address))
	}
}

// unchanged tells of a change that makes no difference to the worker that
// runs the newest code.
func (u *watchUI) unchanged(changed []string, d time.Duration, worker starter.Worker) {
	u.say("%s changed; built in %s: the same program; worker %d goes on", u.names(changed), took(d), worker.Generation)
}

// buildFailed tells of code that does not build.
func (u *watchUI) buildFailed(changed []string, err *builder.BuildError, standing string) {
	what := "the build failed"
	if len(changed) > 0 {
		what = u.names(changed) + " changed; " + what
	}
	u.warn("%s; %s", what, standing)
	u.diagnostics(err)
}

// startFailed tells of a worker that did not come to serve.
func (u *watchUI) startFailed(e starter.Event, a *attempt, standing string) {
	what := e.String()
	if a != nil && len(a.changed) > 0 {
		what = u.names(a.changed) + " changed; " + what
	}
	u.warn("%s; %s", what, standing)
	if e.Kind == starter.TimedOut && len(u.addresses) > 0 {
		fmt.Fprintf(u.w, "  it never waited for connections on the socket of %s that hotstart keeps for it;\n"+
			"  hotstart watch --help tells how a program finds it, and --ready what else may count\n", u.addresses[0])
	}
}

// slow tells why nothing seems to happen.
func (u *watchUI) slow(o watchOptions) {
	line := "the new worker does not serve yet"
	if o.readyTimeout > 0 {
		line += fmt.Sprintf("; it has %v for that (--ready-timeout)", o.readyTimeout)
	}
	u.say("%s", line)
}

// died tells of a worker that served and ended by itself, and of what comes
// in its place.
func (u *watchUI) died(e starter.Event, stopping bool, starting starter.Worker) {
	next := "; starting it again"
	switch {
	case stopping:
		next = ""
	case starting.PID != 0:
		next = fmt.Sprintf("; worker %d is starting already", starting.Generation)
	}
	u.warn("%v%s", e, next)
}

// left tells of an old worker only if it did not end as it was told to.
func (u *watchUI) left(e starter.Event) {
	if e.Status.Exited() && e.Status.ExitStatus() != 0 {
		u.warn("%v", e)
	}
}

// stopping tells what hotstart waits for before it ends.
func (u *watchUI) stopping(sig syscall.Signal, worker starter.Worker) {
	line := "received " + starter.SignalName(sig)
	if worker.PID != 0 {
		line += fmt.Sprintf("; worker %d finishes; once more to end it at once", worker.Generation)
	}
	u.say("%s", line)
}

// goesOn says which code is served while newer code is not.
func (u *watchUI) goesOn(worker starter.Worker, since time.Time) string {
	return fmt.Sprintf("worker %d goes on with the code of %s", worker.Generation, clock(since))
}

// where names every address as a person would type it.
func (u *watchUI) where() string {
	var all []string
	for _, a := range slices.Concat(u.addresses, u.listens) {
		all = append(all, url(a))
	}
	return strings.Join(all, ", ")
}

// url is what a browser takes, as far as the address is one for a browser.
func url(a starter.Address) string {
	switch {
	case !strings.HasPrefix(a.Network, "tcp"):
		return a.String()
	case a.Host == "" || a.Host == "0.0.0.0" || a.Host == "::":
		return fmt.Sprintf("http://localhost:%d", a.Port)
	case strings.Contains(a.Host, ":"):
		return fmt.Sprintf("http://[%s]:%d", a.Host, a.Port)
	default:
		return fmt.Sprintf("http://%s:%d", a.Host, a.Port)
	}
}

package main

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
)

// ruleRun is the run of a rule that is yet to be told of: in the line of what
// it leads to.
type ruleRun struct {
	files []string
	text  string
	mends bool // the rule had failed
}

// ruleTakesLong shows which rule it is that takes long.
func (u *watchUI) ruleTakesLong(d *duty) {
	u.SetStatus(u.Dim(term.CleanLine(d.title()) + " is running"))
}

// ruleDone tells of a rule that has run.
func (u *watchUI) ruleDone(d *duty) {
	spent := d.ended.Sub(d.began)
	run := ruleRun{d.names(), fmt.Sprintf("%s took %s", d.title(), took(spent)), u.stale.what == d.failure()}
	if u.machine {
		u.tell(event{name: "rule", text: u.after(run.files, run.text), facts: facts{Changed: run.files, Command: d.run, CommandMS: milliseconds(spent)}})
		run.text = ""
	}
	u.ruleRuns = append(u.ruleRuns, run)
}

// nothingFollows tells of rules that have led to nothing else.
func (u *watchUI) nothingFollows() {
	fixed := u.mendedByRules()
	if files, texts := u.takeRuns(); texts != "" {
		u.tell(event{name: "rule", text: fixed + u.ui.after(files, texts), facts: facts{Changed: files}})
	}
}

// mendedByRules is mended if a rule that had failed is what has done it.
func (u *watchUI) mendedByRules() string {
	if slices.ContainsFunc(u.ruleRuns, func(r ruleRun) bool { return r.mends }) {
		return u.mended()
	}
	return ""
}

// takeRuns returns what is yet to be told.
func (u *watchUI) takeRuns() (files []string, text string) {
	var texts []string
	for _, run := range u.ruleRuns {
		for _, file := range run.files {
			if !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
		if run.text != "" {
			texts = append(texts, run.text)
		}
	}
	u.ruleRuns = nil
	return files, strings.Join(texts, ", ")
}

// after begins a sentence about something that follows from changed files,
// and from what rules have made of them.
func (u *watchUI) after(changed []string, what string) string {
	files, texts := u.takeRuns()
	if texts == "" {
		return u.ui.after(changed, what)
	}
	for _, file := range changed {
		if !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	return u.ui.after(files, texts+"; "+what)
}

// ruleFailed tells of one that has failed, and shows what it said.
func (u *watchUI) ruleFailed(d *duty, err error, standing string) {
	e := event{name: "rule_failed", bad: true, facts: u.failing(d.names())}
	e.text = u.after(d.names(), fmt.Sprintf("%s: %v; %s", d.failure(), err, standing))
	e.Command, e.Reason = d.run, err.Error()
	if output := outputOf(err); output != "" {
		e.more = "  " + strings.ReplaceAll(term.Plain(output), "\n", "\n  ") + "\n"
		e.Output = strings.Split(output, "\n")
	}
	u.tell(e)
	u.broken(e, d.failure(), standing)
}

// failure is why what is served is old when the rule has failed.
func (d *duty) failure() string { return d.title() + " failed" }

// circle tells of rules that would go on for ever.
func (u *watchUI) circle(names []string) {
	u.ruleRuns = nil
	u.warn("rules trigger each other in a loop: %s; paused until the next edit\n"+
		"(exclude the files that a rule writes, for example --rule='*.txt, !out.txt: ...')", strings.Join(names, ", "))
}

// busyFiles names files that change faster than the program can be built.
func (u *watchUI) busyFiles(files []string) {
	if len(files) > 0 {
		u.warn("%s changed during each of the last %d builds; this build is finished before the next one starts%s",
			u.names(files), maxCancelled+1, ignoring(u.dir, files))
	}
}

// suspects names files that the program may write, and says how that is found out.
func (u *watchUI) suspects(files []string) {
	u.say("%s changed during each of the last %d starts; restarting the same program once to see whether it writes that itself",
		u.names(files), manyRounds+1)
}

// ownWrites names files that the program itself writes.
func (u *watchUI) ownWrites(files []string) {
	if len(files) > 0 {
		u.warn("%s changed during each of the last %d starts, so the program seems to write it; such changes no longer reload the program%s",
			u.names(files), manyRounds+1, ignoring(u.dir, files))
	}
}

// ignoring says how to leave files out that no compiler reads.
func ignoring(dir string, files []string) string {
	files = slices.DeleteFunc(relative(dir, files), func(file string) bool { return filepath.Ext(file) == ".go" })
	if len(files) == 0 {
		return ""
	}
	return fmt.Sprintf("\n(to ignore it: --ignore='%s')", strings.Join(files, ","))
}

// wrongTarget tells why a binary can't be executed.
func (u *watchUI) wrongTarget(target string) {
	u.warn("the program is built for %s, and this machine is %s/%s\ngo env -u GOARCH; unset GOARCH", target, runtime.GOOS, runtime.GOARCH)
}

// noVariables tells of a .env file that can't be read.
func (u *watchUI) noVariables(changed []string, err error, standing string) {
	e := event{name: "start_failed", bad: true, text: u.after(changed, err.Error()) + "; " + standing, facts: u.failing(changed)}
	e.Reason = err.Error()
	u.tell(e)
	u.broken(e, "the environment file can't be read", standing)
}

// script tells how a page gets to know what becomes of the program.
func (u *watchUI) script() {
	if u.pages.server != nil {
		u.tell(event{name: "script", text: fmt.Sprintf(`pages with <script src="%s/hotstart.js"></script> reload by themselves`, u.pages.server.URL())})
	}
}

// refreshed tells of files that the browser alone needs to know of.
func (u *watchUI) refreshed(files []string) {
	if len(files) > 0 {
		u.tell(event{name: "refreshed", text: u.mendedByRules() + u.after(files, "pages are refreshed"), facts: facts{Changed: files}})
		u.pages.refresh(files)
	}
}

// afterFailed tells of a command that should have followed a start.
func (u *watchUI) afterFailed(r ran) {
	u.tell(event{name: "after_ready_failed", bad: true, text: fmt.Sprintf("--after-ready: %s: %v", rule{run: r.after}.title(), r.err),
		facts: facts{Command: r.after, Reason: r.err.Error()}})
}

// done tells of a program that has ended well.
func (u *watchUI) done(e starter.Event, a *attempt) {
	u.worker = starter.Worker{}
	facts := factsOf(e.Worker)
	facts.Changed, facts.Reason = a.changed, e.Reason()
	told := event{name: "ended", text: u.mended() + u.after(a.changed, e.String()+"; waiting for a change"), facts: facts}
	if e.Holder != "" {
		told.bad = true
		told.more = "  hotstart stops that process before it starts the program again; a program must stay in the\n" +
			"  foreground to be reloaded without a gap\n"
	}
	u.tell(told)
	if len(u.listens)+len(u.addresses) > 0 {
		u.broken(told, "the program has ended", "waiting for a change")
	}
}

// gaveUp tells of a program that is not started again by itself.
func (u *watchUI) gaveUp(e starter.Event) {
	told := event{name: "gave_up", bad: true, facts: factsOf(e.Worker)}
	told.text = fmt.Sprintf("the program crashed %d times in a row soon after its start; waiting for a change", e.Failures)
	u.tell(told)
	u.broken(told, "the program crashes repeatedly", "no worker runs; waiting for a change")
}

// postponed tells that nothing is done yet.
func (u *watchUI) postponed(what string) {
	u.tell(event{name: "postponed", text: "waiting for a first change to build " + what})
}

// firstURL is where the program can be asked, if it is known.
func (u *watchUI) firstURL() string {
	for _, a := range slices.Concat(u.listens, u.addresses) {
		return urlOf(a)
	}
	return ""
}

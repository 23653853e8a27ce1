package main

import (
	"fmt"
	"strings"
)

// ruleDone tells of a rule that has run.
func (u *watchUI) ruleDone(d *duty) {
	spent := d.ended.Sub(d.began)
	text := u.after(d.names(), fmt.Sprintf("%s took %s", d.title(), took(spent)))
	if u.stale.what == d.failure() {
		text = u.mended() + text
	}
	u.tell(event{name: "rule", text: text, facts: facts{Changed: d.names(), Command: d.run, CommandMS: milliseconds(spent)}})
}

// ruleFailed tells of one that has failed, and shows what it said.
func (u *watchUI) ruleFailed(d *duty, err error, standing string) {
	e := event{name: "rule_failed", bad: true, facts: u.failing(d.names())}
	e.text = u.after(d.names(), fmt.Sprintf("%s: %v; %s", d.failure(), err, standing))
	e.Command, e.Reason = d.run, err.Error()
	if output := outputOf(err); output != "" {
		e.more = "  " + strings.ReplaceAll(output, "\n", "\n  ") + "\n"
		e.Output = strings.Split(output, "\n")
	}
	u.tell(e)
	u.broken(e, d.failure(), standing)
}

// failure is why what is served is old when the rule has failed.
func (d *duty) failure() string { return d.title() + " failed" }

// circle tells of rules that would go on for ever.
func (u *watchUI) circle(names []string) {
	u.warn("%s: each run leads to the next, so they stop until you change something\n"+
		"  (leave out what a rule writes, as in --rule='*.txt, !out.txt: ...')", strings.Join(names, ", "))
}

// noVariables tells of a .env file that can't be read.
func (u *watchUI) noVariables(changed []string, err error, standing string) {
	e := event{name: "start_failed", bad: true, text: u.after(changed, err.Error()) + "; " + standing, facts: u.failing(changed)}
	e.Reason = err.Error()
	u.tell(e)
	u.broken(e, "the variables can't be read", standing)
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
		u.tell(event{name: "refreshed", text: u.after(files, "pages are refreshed"), facts: facts{Changed: files}})
		u.pages.refresh(files)
	}
}

package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
)

// Cause is what led to an event: edits, and the rules that ran because of them.
type Cause struct {
	Changed []string  // absolute
	Rules   []RuleRun // runs since the last event with a cause
}

// RuleRun is one run of a rule that succeeded.
type RuleRun struct {
	Rule  string // title
	Files []string
	Took  time.Duration
}

func (r RuleRun) String() string { return fmt.Sprintf("%s took %s", r.Rule, took(r.Took)) }

// files returns the files that the rules ran for and those that changed, each once.
func (c Cause) files(v View) (all []string) {
	if v.JSON {
		return c.Changed
	}
	add := func(files []string) {
		for _, file := range files {
			if !slices.Contains(all, file) {
				all = append(all, file)
			}
		}
	}
	for _, r := range c.Rules {
		add(r.Files)
	}
	add(c.Changed)
	return all
}

// then begins a line with the cause of what happened.
func (c Cause) then(v View, what string) string {
	if runs := c.runs(v); runs != "" {
		what = runs + "; " + what
	}
	return v.changed(c.files(v), what)
}

func (c Cause) runs(v View) string {
	if v.JSON {
		return ""
	}
	var texts []string
	for _, r := range c.Rules {
		texts = append(texts, r.String())
	}
	return strings.Join(texts, ", ")
}

func (v View) changed(files []string, what string) string {
	if len(files) == 0 {
		return what
	}
	return v.names(files) + " changed; " + what
}

// names lists files in a few words.
func (v View) names(files []string) string {
	switch len(files) {
	case 0:
		return "nothing"
	case 1:
		return v.name(files[0])
	case 2:
		return v.name(files[0]) + " and " + v.name(files[1])
	}
	return fmt.Sprintf("%s and %d more", v.name(files[0]), len(files)-1)
}

func (v View) name(file string) string { return term.ShortPath(v.Dir, file) }

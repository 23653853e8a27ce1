package main

import (
	"bufio"
	"bytes"
	"os"
	"regexp"
	"slices"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session"
	"github.com/hotstart/hotstart/watcher"
)

// chosen is what the user has named, besides the program: which files mean
// what.
type chosen struct {
	rebuild *watcher.Patterns
	restart *watcher.Patterns
	refresh *watcher.Patterns
	env     *watcher.Patterns
	rules   []*watcher.Patterns // of each of the rules

	settings *watcher.Patterns // what the settings themselves depend on
}

// newChosen reads every pattern of the options.
func newChosen(o session.Options) (c chosen, err error) {
	read := func(patterns []string, ignore ...string) (p *watcher.Patterns) {
		if err == nil {
			p, err = watcher.NewPatterns(o.Dir, splitAll(patterns), append(ignore, splitAll(o.Ignore)...))
		}
		return p
	}
	c.rebuild, c.restart, c.refresh = read(o.Watch), read(o.Restart), read(o.Refresh)
	for _, r := range o.Rules {
		c.rules = append(c.rules, read(r.Match, r.Ignore...))
	}
	if err == nil {
		c.env, err = watcher.NewPatterns(o.Dir, o.EnvFiles, nil)
	}
	c.settings = noPatterns(o.Dir)
	return c, err
}

func splitAll(lists []string) (patterns []string) {
	for _, list := range lists {
		patterns = append(patterns, rules.SplitPatterns(list)...)
	}
	return patterns
}

func (c chosen) all() []*watcher.Patterns {
	return append([]*watcher.Patterns{c.rebuild, c.restart, c.refresh, c.env, c.settings}, c.rules...)
}

// plan is what changes call for, once the rules have run. Each includes what
// comes after it.
type plan struct {
	build   bool
	anew    bool // start the program also if it is the same
	restart bool // without a build, if there is none
	refresh []string
}

// add takes in what is called for, too.
func (p *plan) add(q plan) {
	p.build, p.anew, p.restart = p.build || q.build, p.anew || q.anew, p.restart || q.restart
	p.refresh = append(p.refresh, q.refresh...)
}

// plan tells what changes of files call for, and which of them the program
// depends on.
func (c chosen) plan(g *builder.Graph, paths []string) (p plan, matter []string) {
	for _, path := range paths {
		switch {
		case g != nil && g.Match(path):
			p.build = true
		case c.env.Watched(path) || c.restart.Watched(path):
			p.restart = true
		case c.rebuild.Watched(path):
			p.build, p.anew = true, true // the binary does not tell
		case c.refresh.Watched(path):
			p.refresh = append(p.refresh, path)
			continue
		case slices.ContainsFunc(c.rules, func(r *watcher.Patterns) bool { return r.Watched(path) }):
			continue
		default: // of a graph that is gone
			p.build, p.anew = true, true
		}
		matter = append(matter, path)
	}
	return p, matter
}

// changes tells the rules of a batch.
func (c chosen) changes(g *builder.Graph, batch watcher.Batch) []rules.Change {
	var changes []rules.Change
	for _, path := range batch.Paths {
		p, _ := c.plan(g, []string{path})
		one := rules.Change{Path: path, At: batch.Since, Builds: p.build}
		if info, err := os.Stat(path); err == nil {
			one.At = info.ModTime()
			one.Generated = isGenerated(path)
		}
		changes = append(changes, one)
	}
	return changes
}

// generatedLine is https://go.dev/s/generatedcode, whatever a comment of the
// language begins with.
var generatedLine = regexp.MustCompile(`^\W* ?Code generated .* DO NOT EDIT\.`)

// isGenerated reports whether a file says near its beginning that nobody
// edits it by hand.
func isGenerated(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 4<<10)
	n, _ := f.Read(head)
	for lines := bufio.NewScanner(bytes.NewReader(head[:n])); lines.Scan(); {
		if generatedLine.Match(lines.Bytes()) {
			return true
		}
	}
	return false
}

// engine returns the rules, and after them a rule for each --before command.
func (c chosen) engine(o session.Options) (e rules.Engine) {
	for i, r := range o.Rules {
		e.Add(r, func(f rules.Change) bool { return c.rules[i].Watched(f.Path) })
	}
	for _, line := range o.Before {
		e.Add(rules.Rule{Run: line}, func(f rules.Change) bool { return f.Builds })
	}
	return e
}

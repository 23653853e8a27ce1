package session

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/change"
	"github.com/hotstart/hotstart/watcher"
)

// patterns are the files that the options name, by what a change of them calls
// for.
type patterns struct {
	rebuild *watcher.Patterns
	restart *watcher.Patterns
	refresh *watcher.Patterns
	env     *watcher.Patterns
	rules   []*watcher.Patterns // one for each rule
	before  bool                // there are --before commands

	settings *watcher.Patterns // files that the options come from
}

// newPatterns reads the patterns of the options. settings is the path of the
// settings file, or "".
func newPatterns(o Options, settings string) (p patterns, err error) {
	read := func(match []string, ignore ...string) (one *watcher.Patterns) {
		if err == nil {
			one, err = watcher.NewPatterns(o.Dir, splitAll(match), append(ignore, splitAll(o.Ignore)...))
		}
		return one
	}
	p.rebuild, p.restart, p.refresh = read(o.Watch), read(o.Restart), read(o.Refresh)
	for _, r := range o.Rules {
		p.rules = append(p.rules, read(r.Match, r.Ignore...))
	}
	if err == nil {
		p.env, err = watcher.NewPatterns(o.Dir, o.EnvFiles, nil)
	}
	p.before = len(o.Before) > 0
	p.settings = settingsPattern(o.Dir, settings)
	return p, err
}

// settingsPattern returns a pattern for the settings file. A folder whose name
// looks like an invalid pattern is not watched.
func settingsPattern(dir, settings string) *watcher.Patterns {
	if settings != "" {
		if p, err := watcher.NewPatterns(dir, []string{settings}, nil); err == nil {
			return p
		}
	}
	p, err := watcher.NewPatterns(dir, nil, nil)
	if err != nil {
		panic(err) // dir is absolute
	}
	return p
}

func splitAll(lists []string) (all []string) {
	for _, list := range lists {
		all = append(all, rules.SplitPatterns(list)...)
	}
	return all
}

func (p patterns) all() []*watcher.Patterns {
	return append([]*watcher.Patterns{p.rebuild, p.restart, p.refresh, p.env, p.settings}, p.rules...)
}

// effectOf returns what a change of a file calls for. g is nil before the
// first list.
func (p patterns) effectOf(g *builder.Graph, path string) change.Effect {
	switch {
	case g != nil && g.Match(path):
		return change.EffectBuild
	case p.env.Watched(path) || p.restart.Watched(path):
		return change.EffectRestart
	case p.rebuild.Watched(path):
		return change.EffectForce
	case p.refresh.Watched(path):
		return change.EffectRefresh
	case slices.ContainsFunc(p.rules, func(r *watcher.Patterns) bool { return r.Watched(path) }):
		return change.EffectNone
	}
	return change.EffectForce // a file of an earlier graph
}

// classify returns what the machine needs to know of files that changed.
func (p patterns) classify(g *builder.Graph, paths []string) (files []change.File) {
	for _, path := range paths {
		f := change.File{Path: path, Effect: p.effectOf(g, path)}
		if info, err := os.Stat(path); err == nil {
			f.Modified = info.ModTime()
			f.Generated = (len(p.rules) > 0 || p.before) && isGenerated(path)
		}
		files = append(files, f)
	}
	return files
}

// generatedLine is the line of https://go.dev/s/generatedcode, in a comment of
// any language.
var generatedLine = regexp.MustCompile(`^\W* ?Code generated .* DO NOT EDIT\.`)

// isGenerated reports whether a file says near its beginning that it is
// generated.
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

// engine returns the rules of the options, and after them a rule for each
// --before command.
func (p patterns) engine(o Options) (e rules.Engine) {
	for i, r := range o.Rules {
		e.Add(r, func(c rules.Change) bool { return p.rules[i].Watched(c.Path) })
	}
	for _, line := range o.Before {
		e.Add(rules.Rule{Run: line}, func(c rules.Change) bool { return c.Builds })
	}
	return e
}

// watchSet returns the files to watch: those that the build reads and those
// that match a pattern, without the ignored ones.
func watchSet(g *builder.Graph, p patterns) watcher.Files {
	f := watcher.Files{Dirs: g.Dirs, Trees: g.Trees[:len(g.Trees):len(g.Trees)]}
	for _, one := range p.all() {
		f.Trees = append(f.Trees, one.Trees()...)
	}
	f.Skip = func(dir string) bool {
		if !g.Skip(dir) {
			return false
		}
		for _, one := range p.all() {
			if !one.Skip(dir) {
				return isCrowded(dir)
			}
		}
		return true
	}
	f.Match = func(path string) bool {
		if !p.rebuild.Ignored(path) && g.Match(path) {
			return true
		}
		for _, one := range p.all() {
			if one.Watched(path) {
				return !builder.IsTemporary(path)
			}
		}
		return false
	}
	return f
}

// isCrowded reports whether a directory usually has thousands of files that a
// pattern such as **/*.html is not meant for. A pattern that names the
// directory begins there.
func isCrowded(dir string) bool {
	name := filepath.Base(dir)
	return name == "node_modules" || strings.HasPrefix(name, ".")
}

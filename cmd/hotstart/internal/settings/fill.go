package settings

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is where a setting was set. Each overrides the ones before it.
type Kind string

const (
	Default     Kind = "default"
	File        Kind = "file"
	Environment Kind = "environment"
	Flag        Kind = "flag"
)

// A Source is where a setting was set.
type Source struct {
	Kind  Kind
	Place string // --port, HOTSTART_PORT, hotstart.toml:3; empty for a default
}

// String names the place.
func (s Source) String() string {
	if s.Kind == Default {
		return "default"
	}
	return s.Place
}

// Sources are where each setting was set, by name.
type Sources map[string]Source

// Given is what the command line sets: the texts of each setting, by name.
type Given map[string][]string

// Given returns what the parsed command line has set.
func (s *Set) Given() Given {
	g := Given{}
	for _, set := range s.all {
		if set.flag.Changed {
			g[set.Name] = set.texts()
		}
	}
	return g
}

// Fill sets the settings of a Set that has its defaults: from the command line,
// or else from env, or else from the document. An error is an *Error.
func (s *Set) Fill(given Given, env []string, doc Document) (Sources, error) {
	if err := doc.check(s); err != nil {
		return nil, err
	}
	sources := Sources{}
	for _, set := range s.all {
		var err error
		if sources[set.Name], err = set.fill(given, env, doc); err != nil {
			return nil, err
		}
	}
	return sources, nil
}

func (s *setting) fill(given Given, env []string, doc Document) (Source, error) {
	if texts, ok := given[s.Name]; ok {
		place := "--" + s.Name
		if s.KeyOnly {
			place = "command line"
		}
		return Source{Flag, place}, s.set(texts)
	}
	name := variable(s.Name)
	if text := lookUp(env, name); text != "" {
		return Source{Environment, name}, s.fillText(name, text)
	}
	if e, ok := doc.entries[s.Name]; ok && !s.FlagOnly {
		return Source{File, fmt.Sprintf("%s:%d", doc.name, e.line)}, doc.fill(s, e)
	}
	return Source{Kind: Default}, nil
}

// fillText sets a setting from a variable, which has one element of a list per
// line.
func (s *setting) fillText(name, text string) error {
	texts := []string{text}
	if s.Value.kind() == listKind {
		texts = strings.Split(strings.TrimSpace(text), "\n")
	}
	if err := s.set(texts); err != nil {
		return &Error{name, Phrase(s.Name, text, err)}
	}
	return nil
}

const prefix = "HOTSTART_"

func variable(name string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

func lookUp(env []string, name string) (value string) {
	for _, variable := range env { // the last one counts, as in os/exec
		if text, ok := strings.CutPrefix(variable, name+"="); ok {
			value = text
		}
	}
	return value
}

// own are the variables that hotstart sets for the processes that it starts.
var own = []string{"HOTSTART_FD", "HOTSTART_INSTANCE", "HOTSTART_CHANGED", "HOTSTART_URL", "HOTSTART_GENERATION", "HOTSTART_PID", "HOTSTART_SCRIPT", "HOTSTART_PAGES"}

// UnknownVariables returns a warning for each variable that looks like a
// setting and is not one.
func (s *Set) UnknownVariables(env []string) (warnings []string) {
	var known []string
	for _, set := range s.all {
		known = append(known, strings.TrimPrefix(variable(set.Name), prefix))
	}
	for _, variable := range env {
		name, _, _ := strings.Cut(variable, "=")
		short, ours := strings.CutPrefix(name, prefix)
		if ours && !slices.Contains(known, short) && !slices.Contains(own, name) {
			warnings = append(warnings, fmt.Sprintf("unknown setting %s in the environment%s", name, suggestion(short, known, prefix)))
		}
	}
	slices.Sort(warnings)
	return warnings
}

// An Error is an invalid setting.
type Error struct {
	Place string // hotstart.toml:3:8, HOTSTART_PORT
	Err   error
}

func (e *Error) Error() string { return e.Place + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

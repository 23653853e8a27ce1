// Package settings fills the flags of a command with what was given: on the
// command line, in the environment, in a file. Every flag is a setting by
// being one: --stop-timeout is HOTSTART_STOP_TIMEOUT and stop-timeout = "10s".
package settings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Kind is where a setting was given. A greater one wins.
type Kind int

const (
	Default Kind = iota
	File
	Environment
	Flag
)

// String is the kind in one word.
func (k Kind) String() string { return [...]string{"default", "file", "environment", "flag"}[k] }

// A Source is where a setting was given.
type Source struct {
	Kind  Kind
	Place string // --port, HOTSTART_PORT, hotstart.toml:3; "" for a default
}

// String names the place.
func (s Source) String() string {
	if s.Kind == Default {
		return "default"
	}
	return s.Place
}

// Given is what a command line has given, by name of the flag.
type Given map[string][]string

// GivenTo is what was given to the flags so far.
func GivenTo(flags *pflag.FlagSet) Given {
	g := Given{}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			g[f.Name] = Texts(f)
		}
	})
	return g
}

// Texts are the values of a flag as Set takes them: one, or those of a list.
func Texts(f *pflag.Flag) []string {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	return []string{f.Value.String()}
}

// Put gives a flag these values in place of what it has.
func Put(f *pflag.Flag, texts []string) error {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.Replace(texts)
	}
	return f.Value.Set(texts[0])
}

// annotations of flags.
const (
	notKey = "hotstart-not-a-key"
	noFlag = "hotstart-not-a-flag"
)

// NotKey keeps a flag out of the file: it is about the file itself.
func NotKey(flags *pflag.FlagSet, names ...string) { annotate(flags, notKey, names) }

// NotFlag says that what is given on the command line has no name there.
func NotFlag(flags *pflag.FlagSet, names ...string) { annotate(flags, noFlag, names) }

func annotate(flags *pflag.FlagSet, key string, names []string) {
	for _, name := range names {
		if err := flags.SetAnnotation(name, key, []string{"true"}); err != nil {
			panic(err) // there is no such flag
		}
	}
}

// IsKey reports whether a flag may stand in the file.
func IsKey(f *pflag.Flag) bool { return isSetting(f) && f.Annotations[notKey] == nil }

// isSetting leaves out what cobra adds to each command.
func isSetting(f *pflag.Flag) bool { return f.Name != "help" && f.Name != "version" }

// Fill gives flags, fresh ones with their defaults, what was given: on the
// command line, or else by env, or else by the document, which may be nil.
// An error is an *Error.
func Fill(flags *pflag.FlagSet, given Given, env []string, doc *Document) (map[string]Source, error) {
	if err := doc.check(flags); err != nil {
		return nil, err
	}
	sources := map[string]Source{}
	var failed error
	flags.VisitAll(func(f *pflag.Flag) {
		if !isSetting(f) || failed != nil {
			return
		}
		sources[f.Name], failed = fill(f, given, env, doc)
	})
	return sources, failed
}

func fill(f *pflag.Flag, given Given, env []string, doc *Document) (Source, error) {
	if texts, ok := given[f.Name]; ok {
		place := "--" + f.Name
		if f.Annotations[noFlag] != nil {
			place = "command line"
		}
		return Source{Flag, place}, Put(f, texts)
	}
	name := Variable(f.Name)
	if text := lookUp(env, name); text != "" {
		return Source{Environment, name}, fillText(f, name, text)
	}
	if e, ok := doc.entry(f.Name); ok && IsKey(f) {
		return Source{File, fmt.Sprintf("%s:%d", doc.name, e.line)}, doc.fill(f, e)
	}
	return Source{}, nil
}

// fillText gives a flag the value of a variable, which has one element of a
// list a line.
func fillText(f *pflag.Flag, name, text string) error {
	texts := []string{text}
	if _, ok := f.Value.(pflag.SliceValue); ok {
		texts = strings.Split(strings.TrimSpace(text), "\n")
	}
	if err := Put(f, texts); err != nil {
		return &Error{Place: name, Reason: fmt.Sprintf("invalid %s %q: %v", f.Name, text, err)}
	}
	return nil
}

// prefix is that of every variable.
const prefix = "HOTSTART_"

// Variable is the name of the variable that a flag can be given by.
func Variable(flag string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func lookUp(env []string, name string) (value string) {
	for _, variable := range env { // as with os/exec, the last counts
		if text, ok := strings.CutPrefix(variable, name+"="); ok {
			value = text
		}
	}
	return value
}

// own are the variables by which hotstart talks to what it starts.
var own = []string{"HOTSTART_FD", "HOTSTART_INSTANCE", "HOTSTART_CHANGED", "HOTSTART_URL", "HOTSTART_GENERATION", "HOTSTART_PID", "HOTSTART_SCRIPT"}

// Strangers says of each variable that looks like a setting and is none what
// may be meant.
func Strangers(flags *pflag.FlagSet, env []string) (warnings []string) {
	var known []string
	flags.VisitAll(func(f *pflag.Flag) {
		if isSetting(f) {
			known = append(known, strings.TrimPrefix(Variable(f.Name), prefix))
		}
	})
	for _, variable := range env {
		name, _, _ := strings.Cut(variable, "=")
		short, ours := strings.CutPrefix(name, prefix)
		if ours && !slices.Contains(known, short) && !slices.Contains(own, name) {
			warnings = append(warnings, fmt.Sprintf("unknown setting %s in the environment%s", name, meant(short, known, prefix)))
		}
	}
	slices.Sort(warnings)
	return warnings
}

// An Error is a setting that can't be meant.
type Error struct {
	Place  string // hotstart.toml:3:8, HOTSTART_PORT
	Reason string
}

func (e *Error) Error() string { return e.Place + ": " + e.Reason }

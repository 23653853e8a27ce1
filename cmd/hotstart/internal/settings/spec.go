// Package settings has the table of a command's settings. From it follow the
// flags and their help, the environment variables, hotstart.toml with its
// template and its schema, and what a change of hotstart.toml applies to:
// --stop-timeout is HOTSTART_STOP_TIMEOUT and stop-timeout = "10s".
package settings

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// A Spec is one setting.
type Spec struct {
	Name  string // of the flag, without dashes, and of the key
	Value Value
	Usage string // text of the help; a word in backquotes names the value
	Alone string // value of the flag alone and of true in hotstart.toml; empty: the flag needs a value

	FlagOnly bool // not a key of hotstart.toml
	KeyOnly  bool // not a flag: the command line has another place for it

	// Live says what a change in hotstart.toml applies to while hotstart runs:
	// a set of bits, whose meaning is the caller's. 0: the setting is fixed when
	// hotstart starts.
	Live uint
}

// A Group is a part of the help.
type Group struct {
	Title string
	Specs []Spec
}

// A Set is the settings of a command, with their values.
type Set struct {
	groups []group
	all    []*setting
}

type group struct {
	title    string
	settings []*setting
	flags    *pflag.FlagSet
}

// setting is a Spec with its flag, which holds the value.
type setting struct {
	Spec
	flag *pflag.Flag
}

// NewSet makes the flags of every group. A setting whose flag is among the
// inherited ones, which may be nil, uses that flag and its value.
func NewSet(inherited *pflag.FlagSet, groups ...Group) *Set {
	s := &Set{}
	for _, g := range groups {
		flags := pflag.NewFlagSet(g.Title, pflag.ContinueOnError)
		flags.SortFlags = false
		group := group{title: g.Title, flags: flags}
		for _, spec := range g.Specs {
			set := &setting{Spec: spec, flag: newFlag(spec)}
			if inherited != nil && inherited.Lookup(spec.Name) != nil {
				set.flag = inherited.Lookup(spec.Name)
				set.Value = set.flag.Value.(Value)
			} else if !spec.KeyOnly {
				flags.AddFlag(set.flag)
			}
			group.settings = append(group.settings, set)
		}
		s.groups = append(s.groups, group)
		s.all = append(s.all, group.settings...)
	}
	return s
}

func newFlag(spec Spec) *pflag.Flag {
	f := &pflag.Flag{Name: spec.Name, Value: spec.Value, Usage: spec.Usage, DefValue: spec.Value.String(), NoOptDefVal: spec.Alone}
	switch spec.Value.kind() {
	case boolKind:
		f.NoOptDefVal = "true"
	case listKind:
		f.Usage += "; repeatable"
	}
	return f
}

// AddTo adds the flags to those of a command.
func (s *Set) AddTo(flags *pflag.FlagSet) {
	flags.SortFlags = false
	for _, g := range s.groups {
		flags.AddFlagSet(g.flags)
	}
}

// helpWidth is the longest line of the help.
const helpWidth = 110

// Usages returns the flags of every group below its title.
func (s *Set) Usages() string {
	var b strings.Builder
	for _, g := range s.groups {
		if g.flags.HasFlags() {
			fmt.Fprintf(&b, "\n%s:\n%s", g.title, g.flags.FlagUsagesWrapped(helpWidth))
		}
	}
	return b.String()
}

func (s *Set) lookup(name string) *setting {
	for _, set := range s.all {
		if set.Name == name {
			return set
		}
	}
	return nil
}

// texts returns the values as set takes them: one, or the elements of a list.
func (s *setting) texts() []string {
	if list, ok := s.Value.(listValue); ok {
		return list.GetSlice()
	}
	return []string{s.Value.String()}
}

func (s *setting) set(texts []string) error {
	if list, ok := s.Value.(listValue); ok {
		return list.Replace(texts)
	}
	return s.Value.Set(texts[0])
}

// description returns the usage text and the choices, for a file.
func (s *setting) description() string {
	_, usage := pflag.UnquoteUsage(&pflag.Flag{Usage: s.Usage, Value: s.Value})
	if choices := s.Value.Type(); strings.Contains(choices, "|") {
		usage += " (" + choices + ")"
	}
	return usage
}

// Changes compares a Set with an older one of the same specs. changed lists the
// settings that differ and apply while hotstart runs, live is what they apply
// to, and fixed lists the other settings that differ.
func (s *Set) Changes(old *Set) (changed []string, live uint, fixed []string) {
	for _, set := range s.all {
		switch before := old.lookup(set.Name); {
		case set.FlagOnly || before.literal() == set.literal():
		case set.Live != 0:
			changed = append(changed, set.Name)
			live |= set.Live
		default:
			fixed = append(fixed, set.Name)
		}
	}
	return changed, live, fixed
}

// Keep gives the named settings the values of an older Set.
func (s *Set) Keep(old *Set, names []string) error {
	for _, name := range names {
		if err := s.lookup(name).set(old.lookup(name).texts()); err != nil {
			return err
		}
	}
	return nil
}

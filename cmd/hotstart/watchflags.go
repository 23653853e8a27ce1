package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

// watchFlags are the settings of hotstart watch and the options that they
// fill. Every one of them is also a variable and a key of hotstart.toml.
type watchFlags struct {
	options watchOptions
	groups  []settings.Group // as the help shows them
	all     *pflag.FlagSet
}

// newWatchFlags gives a command its flags, with their defaults. Some are
// those of every command.
func newWatchFlags(cmd *cobra.Command, everywhere *pflag.FlagSet) *watchFlags {
	f := &watchFlags{options: defaultWatchOptions(), all: pflag.NewFlagSet("", pflag.ContinueOnError)}
	f.all.SortFlags = false
	f.add("Program", f.options.programFlags())
	groups := f.options.addFlags(cmd)
	for i, set := range groups.sets {
		f.add(groups.titles[i], set)
	}
	f.add("Global flags", everywhere)
	return f
}

// freshWatchFlags are those of no command.
func freshWatchFlags() *watchFlags {
	everywhere := pflag.NewFlagSet("", pflag.ContinueOnError)
	addColorFlag(everywhere)
	return newWatchFlags(&cobra.Command{}, everywhere)
}

func (f *watchFlags) add(title string, flags *pflag.FlagSet) {
	f.groups = append(f.groups, settings.Group{Title: title, Flags: flags})
	f.all.AddFlagSet(flags)
}

// programFlags are the settings that the command line has other places for.
func (o *watchOptions) programFlags() *pflag.FlagSet {
	f := pflag.NewFlagSet("Program", pflag.ContinueOnError)
	f.SortFlags = false
	f.StringArrayVar(&o.packages, "package", nil, "package to build, for example ./cmd/api; empty: the package in this folder, or the\nonly one below ./cmd")
	f.StringArrayVar(&o.args, "args", nil, "arguments of the program, one per element")
	settings.NotFlag(f, "package", "args")
	return f
}

// take takes in the arguments of the command: those before a -- are what to
// build, those behind it the program's.
func (f *watchFlags) take(args []string, dash int) {
	if dash < 0 {
		dash = len(args)
	} else {
		f.give("args", args[dash:])
	}
	if dash > 0 {
		f.give("package", args[:dash])
	}
}

func (f *watchFlags) give(name string, texts []string) {
	flag := f.all.Lookup(name)
	if err := settings.Put(flag, texts); err != nil {
		panic(err) // any string will do
	}
	flag.Changed = true
}

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagGroups are the flags of a command under headings, as its help shows
// them. A flag belongs to the group that it was made in, and to no other.
type flagGroups struct {
	cmd    *cobra.Command
	titles []string
	sets   []*pflag.FlagSet
}

// add begins a group. Its flags are the command's only after done.
func (g *flagGroups) add(title string) *pflag.FlagSet {
	set := pflag.NewFlagSet(title, pflag.ContinueOnError)
	set.SortFlags = false
	g.titles, g.sets = append(g.titles, title), append(g.sets, set)
	return set
}

// done gives the command its flags and its help.
func (g *flagGroups) done() {
	g.cmd.Flags().SortFlags = false
	for _, set := range g.sets {
		g.cmd.Flags().AddFlagSet(set)
	}
	g.cmd.SetUsageFunc(func(cmd *cobra.Command) error {
		_, err := fmt.Fprintf(cmd.OutOrStderr(), "Usage:\n  %s\n\nExamples:\n%s\n%s\nGlobal flags:\n%s",
			cmd.UseLine(), cmd.Example, g.usages(), cmd.InheritedFlags().FlagUsages())
		return err
	})
}

// usages lists every flag below its heading.
func (g *flagGroups) usages() string {
	var b strings.Builder
	for i, set := range g.sets {
		fmt.Fprintf(&b, "\n%s:\n%s", g.titles[i], set.FlagUsages())
	}
	if rest := g.rest(); rest.HasFlags() {
		fmt.Fprintf(&b, "\nOutput:\n%s", rest.FlagUsages())
	}
	return b.String()
}

// rest are the command's own flags that are in no group.
func (g *flagGroups) rest() *pflag.FlagSet {
	rest := pflag.NewFlagSet("", pflag.ContinueOnError)
	g.cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		grouped := slices.ContainsFunc(g.sets, func(set *pflag.FlagSet) bool { return set.Lookup(f.Name) != nil })
		if !grouped && f.Name != "help" {
			rest.AddFlag(f)
		}
	})
	return rest
}

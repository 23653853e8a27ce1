package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// choice is a string flag with a fixed set of values, which the help shows as
// the name of the value: "auto|off". The set is checked when all settings are
// known, not by Set.
type choice struct {
	value *string
	of    string
}

func (c choice) Set(s string) error { *c.value = s; return nil }
func (c choice) String() string     { return *c.value }
func (c choice) Type() string       { return c.of }

// choiceVar defines a choice flag whose default is the current *value.
func choiceVar(f *pflag.FlagSet, value *string, name, of, usage string) {
	f.Var(choice{value, of}, name, usage)
}

// textOf returns the value of a flag; "" if there is no such flag.
func textOf(f *pflag.FlagSet, name string) string {
	if flag := f.Lookup(name); flag != nil {
		return flag.Value.String()
	}
	return ""
}

// oneOf returns an error if the value of a flag is not one of at least two
// choices.
func oneOf(flag, value string, choices ...string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	last := len(choices) - 1
	return fmt.Errorf("invalid --%s %q: want %s or %s", flag, value, strings.Join(choices[:last], ", "), choices[last])
}

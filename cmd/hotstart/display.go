package main

import (
	"fmt"
	"slices"

	"github.com/spf13/pflag"
)

// displayOptions are the flags about what a person sees and types.
type displayOptions struct {
	logFormat string
	clear     string
	pty       string
	stdin     bool
	bell      bool
	notify    bool
}

// What --clear takes. Given alone it is clearScreen.
const (
	clearNever  = "never"
	clearScreen = "screen"
	clearSaves  = "all"
)

// What --pty takes. Given alone it is ptyAlways.
const (
	ptyAuto   = "auto"
	ptyAlways = "always"
	ptyNever  = "never"
)

func defaultDisplayOptions() displayOptions {
	return displayOptions{logFormat: formatText, clear: clearNever, pty: ptyAuto}
}

func (o *displayOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.logFormat, "log-format", o.logFormat, "say what happens as `format` text, or json: one object a line")
	f.StringVar(&o.clear, "clear", o.clear, "clear before what a build has to say: `what` is never, screen, or all,\nwhich is also what has scrolled away")
	f.Lookup("clear").NoOptDefVal = clearScreen
	f.StringVar(&o.pty, "pty", o.pty, "the program writes to a terminal of its own: `when` is never, always, or\nauto, which is where hotstart has one")
	f.Lookup("pty").NoOptDefVal = ptyAlways
	f.BoolVar(&o.stdin, "stdin", o.stdin, "what you type is for the program: no keys of hotstart's")
	f.BoolVar(&o.bell, "bell", o.bell, "ring when something breaks, and when it is mended")
	f.BoolVar(&o.notify, "notify", o.notify, "show that on the desktop, too")
}

// check refuses values that can't be meant.
func (o displayOptions) check() error {
	for _, choice := range []struct {
		flag, value string
		of          []string
	}{
		{"log-format", o.logFormat, []string{formatText, formatJSON}},
		{"pty", o.pty, []string{ptyAuto, ptyAlways, ptyNever}},
		{"clear", o.clear, []string{clearNever, clearScreen, clearSaves}},
	} {
		if !slices.Contains(choice.of, choice.value) {
			return &usageError{err: fmt.Errorf("--%s=%q is none of %q", choice.flag, choice.value, choice.of), hint: "hotstart watch --help"}
		}
	}
	if o.pty == ptyAlways && !havePTY {
		return &usageError{err: fmt.Errorf("--pty=%s: not on this system yet", o.pty), hint: "hotstart watch --pty=never"}
	}
	return nil
}

// fresh begins what a build has to say.
func (o displayOptions) fresh(s *screen) {
	if o.clear != clearNever {
		s.clear(o.clear == clearSaves)
	}
}

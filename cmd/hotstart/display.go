package main

import (
	"fmt"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
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

func defaultDisplayOptions() displayOptions {
	return displayOptions{logFormat: formatText, clear: clearNever, pty: term.PTYAuto}
}

func (o *displayOptions) addFlags(f *pflag.FlagSet) {
	choiceVar(f, &o.logFormat, "log-format", "text|json", "print events as text or as one JSON object per line")
	choiceVar(f, &o.clear, "clear", "never|screen|all", "clear the terminal before showing a build result;\nall includes the scrollback")
	f.Lookup("clear").NoOptDefVal = clearScreen
	choiceVar(f, &o.pty, "pty", "auto|always|never", "run the program on a pseudo-terminal;\nauto: if hotstart itself runs on a terminal")
	f.Lookup("pty").NoOptDefVal = term.PTYAlways
	f.BoolVar(&o.stdin, "stdin", o.stdin, "pass standard input to the program and disable hotstart's\nkeyboard shortcuts")
	f.BoolVar(&o.bell, "bell", o.bell, "ring the terminal bell when a reload fails and when it works again")
	f.BoolVar(&o.notify, "notify", o.notify, "show desktop notifications in the same cases")
}

// check returns an error for an invalid value.
func (o displayOptions) check() error {
	for _, choice := range []struct {
		flag, value string
		of          []string
	}{
		{"log-format", o.logFormat, []string{formatText, formatJSON}},
		{"pty", o.pty, []string{term.PTYAuto, term.PTYAlways, term.PTYNever}},
		{"clear", o.clear, []string{clearNever, clearScreen, clearSaves}},
	} {
		if err := oneOf(choice.flag, choice.value, choice.of...); err != nil {
			return &usageError{err: err, hint: "hotstart watch --help"}
		}
	}
	if o.pty == term.PTYAlways && !term.HavePTY {
		return &usageError{err: fmt.Errorf("--pty=%s is not supported on this system", o.pty), hint: "hotstart watch --pty=never"}
	}
	return nil
}

// fresh begins what a build has to say.
func (o displayOptions) fresh(s *term.Screen) {
	if o.clear != clearNever {
		s.Clear(o.clear == clearSaves)
	}
}

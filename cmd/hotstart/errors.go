package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

// parseOutputFlags sets --log-format and --color of a command that has both, also
// if a flag before them is invalid, so that they apply to the error.
func parseOutputFlags(cmd *cobra.Command, args []string) {
	if cmd.Flag("log-format") == nil {
		return
	}
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.ParseErrorsAllowlist.UnknownFlags = true
	f.Usage = func() {}
	f.AddFlag(cmd.Flag("log-format"))
	f.AddFlag(cmd.Flag("color"))
	_ = f.Parse(args) // the first error is reported
}

func flagError(cmd *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		err = settings.Phrase("--"+invalid.GetFlag().Name, invalid.GetValue(), errors.Unwrap(err))
	}
	return cli.Usage(err, cmp.Or(cli.Hint(err), cmd.CommandPath()+" --help"))
}

// noArgs returns an error if there are arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case !cmd.HasParent():
		return cli.Usage(fmt.Errorf("unknown command %q", args[0]), "hotstart --help")
	}
	return cli.Usage(fmt.Errorf("%s takes no argument: %q", cmd.CommandPath(), args[0]), cmd.CommandPath()+" --help")
}

// atMostOne returns an error if there are several arguments.
func atMostOne(noun string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= 1 {
			return nil
		}
		return cli.Usage(fmt.Errorf("want one %s, not several: %q", noun, args), cmd.CommandPath()+" --help")
	}
}

package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
)

func newConfigCmd(global *pflag.FlagSet) *cobra.Command {
	flags := newWatchFlags(global)
	var asJSON, schema bool
	cmd := &cobra.Command{
		Use:   "config [package | files.go] [flags] [-- program arguments]",
		Short: "Show the settings of hotstart watch and where each was set",
		Long: "Config prints the settings that hotstart watch would use with the same flags, in the\n" +
			"format of hotstart.toml, and where each setting was set. A flag overrides the\n" +
			"environment variable HOTSTART_NAME, which overrides hotstart.toml.",
		Example: "  hotstart config\n" +
			"  hotstart config --json --port=8080",
		RunE: func(cmd *cobra.Command, args []string) error {
			if schema {
				_, err := io.WriteString(cmd.OutOrStdout(), flags.set.Schema())
				return err
			}
			return showConfig(cmd, flags, args, asJSON)
		},
	}
	output := pflag.NewFlagSet("", pflag.ContinueOnError)
	output.BoolVar(&asJSON, "json", false, "print the settings as JSON")
	output.BoolVar(&schema, "schema", false, "print the JSON schema of hotstart.toml instead")
	setUsage(cmd, flags.set, output)
	return cmd
}

func showConfig(cmd *cobra.Command, flags *watchFlags, args []string, asJSON bool) error {
	l, err := settings.NewLoader(flags.set, flags.given(cmd, args))
	if err != nil {
		return err
	}
	sources, err := flags.load(l)
	if err != nil {
		return err
	}
	var text strings.Builder
	if asJSON {
		err = l.PrintJSON(&text, flags.set, sources)
	} else {
		l.Print(&text, flags.set, sources)
	}
	if err != nil {
		return err
	}
	// Values and paths can have control characters. Clean's escape of DEL is not JSON.
	_, err = io.WriteString(cmd.OutOrStdout(), term.Clean(strings.ReplaceAll(text.String(), "\x7f", `\u007f`)))
	return err
}

package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

func newConfigCmd(everywhere *pflag.FlagSet) *cobra.Command {
	var flags *watchFlags
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
				_, err := io.WriteString(cmd.OutOrStdout(), settings.Schema(flags.all))
				return err
			}
			flags.take(args, cmd.ArgsLenAtDash())
			return showConfig(cmd, flags, asJSON)
		},
	}
	flags = newWatchFlags(cmd, everywhere)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the settings as JSON")
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON schema of hotstart.toml instead")
	return cmd
}

func showConfig(cmd *cobra.Command, flags *watchFlags, asJSON bool) error {
	c, err := newConfig(flags)
	if err != nil {
		return err
	}
	from, err := c.fill(flags)
	if err != nil {
		return err
	}
	if asJSON {
		return c.printJSON(cmd.OutOrStdout(), flags, from)
	}
	c.print(cmd.OutOrStdout(), flags, from)
	return nil
}

// print shows each setting as a line of hotstart.toml.
func (c *config) print(w io.Writer, flags *watchFlags, from sources) {
	fmt.Fprintf(w, "# %s\n", c.state())
	for _, line := range c.warnings(flags.all) {
		fmt.Fprintf(w, "# %s\n", line)
	}
	var lines [][2]string
	width := 0
	flags.all.VisitAll(func(f *pflag.Flag) {
		if settings.IsKey(f) {
			line := f.Name + " = " + settings.Literal(f)
			lines = append(lines, [2]string{line, from[f.Name].String()})
			width = max(width, min(len(line), 40))
		}
	})
	for _, line := range lines {
		fmt.Fprintf(w, "%-*s  # %s\n", width, line[0], line[1])
	}
}

// state says which file is read.
func (c *config) state() string {
	switch {
	case c.path == "" || c.ignored != nil:
		return "no settings file is read"
	case !c.found:
		return configName + " does not exist"
	}
	return c.path
}

// printJSON shows each setting with its value as JSON has it.
func (c *config) printJSON(w io.Writer, flags *watchFlags, from sources) error {
	type setting struct {
		Name   string `json:"name"`
		Value  any    `json:"value"`
		Source string `json:"source"`
		Place  string `json:"place,omitempty"`
	}
	shown := struct {
		File     string    `json:"file,omitempty"`
		Dir      string    `json:"dir"`
		Warnings []string  `json:"warnings,omitempty"`
		Settings []setting `json:"settings"`
	}{Dir: flags.options.dir, Warnings: c.warnings(flags.all)}
	if c.found {
		shown.File = c.path
	}
	flags.all.VisitAll(func(f *pflag.Flag) {
		if settings.IsKey(f) {
			s := from[f.Name]
			shown.Settings = append(shown.Settings, setting{f.Name, settings.Value(f), s.Kind.String(), s.Place})
		}
	})
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(shown)
}

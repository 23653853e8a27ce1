package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func newTrustCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "trust [hotstart.toml]",
		Short: "Let a hotstart.toml give orders",
		Long: "Trust shows what a hotstart.toml has hotstart do besides running your program, as\n" +
			"its commands, and remembers that you have seen it, as long as that stays the same.\n" +
			"It is kept in $XDG_STATE_HOME/hotstart/trusted, or else in ~/.local/state.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runTrust(cmd, args) },
	}
}

func runTrust(cmd *cobra.Command, args []string) error {
	c, err := configOf(strings.Join(args, ""))
	if err != nil {
		return err
	}
	if _, err := c.fill(freshWatchFlags()); err != nil {
		return err
	}
	if !c.found {
		return &hintedError{fmt.Errorf("there is no %s here or above", configName), "hotstart init"}
	}
	if len(c.orders) == 0 {
		fmt.Fprintf(cmd.OutOrStdout(), "%s has no orders\n", c.name())
		return nil
	}
	t, err := newTrust()
	if err == nil {
		err = t.add(c.path, c.orders)
	}
	if err == nil {
		fmt.Fprintf(cmd.OutOrStdout(), "%s is trusted with:\n%s\n", c.name(), list(c.orders))
	}
	return err
}

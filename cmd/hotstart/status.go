package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
)

func newStatusCmd() *cobra.Command {
	f := &clientFlags{}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what a running hotstart serves, and what has failed",
		Long: "Status shows the state of a hotstart that runs: the worker that serves, old workers\n" +
			"that finish, and why newer code is not served, if it is not.",
		Example: "  hotstart status\n  hotstart status --json\n  hotstart status --name=api",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := f.find(cmd)
			if err != nil {
				return err
			}
			s, err := c.Status(cmd.Context())
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd, s)
			}
			report.WriteStatus(cmd.OutOrStdout(), s, time.Now())
			return nil
		},
	}
	f.addTo(cmd)
	return cmd
}

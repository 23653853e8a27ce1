package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

func newRootCmd() *cobra.Command {
	root := &cobra.Command{
		Use:   "hotstart",
		Short: "Reload a Go server without dropping a connection",
		Long: "hotstart keeps a server's listening sockets open while it builds the program,\n" +
			"starts the new one on them, and stops the old one only when the new one is ready.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Version:       version(),
	}
	root.SetVersionTemplate("hotstart {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	settings.NewSet(nil, settings.Group{Specs: []settings.Spec{colorSpec()}}).AddTo(root.PersistentFlags())
	root.AddCommand(newWatchCmd(root.PersistentFlags()), newRunCmd(), newStatusCmd(), newWaitCmd(), newReloadCmd(), newRestartCmd(), newStopCmd(), newEventsCmd(), newLogsCmd(), newMCPCmd(), newInitCmd(), newConfigCmd(root.PersistentFlags()), newDemoCmd(), newVersionCmd())
	return root
}

// setUsage makes the help of a command show its settings in groups, and after
// them its other flags, if it has some.
func setUsage(cmd *cobra.Command, set *settings.Set, others *pflag.FlagSet) {
	set.AddTo(cmd.Flags())
	cmd.Flags().AddFlagSet(others)
	cmd.SetUsageFunc(func(cmd *cobra.Command) error {
		help := fmt.Sprintf("Usage:\n  %s\n\nExamples:\n%s\n%s", cmd.UseLine(), cmd.Example, set.Usages())
		if others != nil {
			help += "\nOutput:\n" + others.FlagUsages()
		}
		if global := cmd.InheritedFlags(); global.HasFlags() {
			help += "\nGlobal flags:\n" + global.FlagUsages()
		}
		_, err := fmt.Fprint(cmd.OutOrStderr(), help)
		return err
	})
}

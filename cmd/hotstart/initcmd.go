package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

func newInitCmd() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a hotstart.toml that explains every setting",
		Long: "Init writes a hotstart.toml into this folder, in which every setting of hotstart\n" +
			"watch is explained and none is changed. hotstart works without one.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return writeConfig(cmd, settings.Template(freshWatchFlags().groups), force)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "write over the file that is there")
	return cmd
}

// writeConfig makes the file, and says so.
func writeConfig(cmd *cobra.Command, text string, force bool) error {
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(configName, mode, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return &hintedError{errors.New(configName + " is there already"), cmd.CommandPath() + " --force"}
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		fmt.Fprintf(cmd.OutOrStdout(), "wrote %s\n", configName)
	}
	return err
}

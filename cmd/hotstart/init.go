package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/air"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
)

func newInitCmd() *cobra.Command {
	var force bool
	var airFile string
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a hotstart.toml that explains every setting",
		Long: "Init writes a hotstart.toml into this folder. The file explains every setting of\n" +
			"hotstart watch and changes nothing. hotstart works without such a file.\n\n" +
			"With --from-air, init converts the settings of air, and prints for each of them its\n" +
			"replacement, or why there is no replacement.\n\n" +
			"hotstart init vscode writes the files of Visual Studio Code instead.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if airFile != "" {
				return initFromAir(cmd, airFile, force)
			}
			return writeConfig(cmd, newWatchFlags(nil).set.Template(), force)
		},
	}
	cmd.Flags().StringVar(&airFile, "from-air", "", "convert the settings of this air `file`")
	cmd.Flags().Lookup("from-air").NoOptDefVal = ".air.toml"
	cmd.Flags().BoolVar(&force, "force", false, "replace an existing hotstart.toml")
	cmd.AddCommand(newInitVSCodeCmd())
	return cmd
}

func initFromAir(cmd *cobra.Command, airFile string, force bool) error {
	b, err := os.ReadFile(airFile)
	if err != nil {
		return cli.WithHint(fmt.Errorf("reading air's settings: %w", err), "hotstart init --from-air=FILE")
	}
	text, notes, err := air.Convert(string(b))
	if err != nil {
		return fmt.Errorf("%s:%w", airFile, err)
	}
	if err := writeConfig(cmd, text, force); err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Fprintf(cmd.OutOrStdout(), "  %-32s %s\n", term.CleanLine(n.Key), term.CleanLine(n.Replacement))
	}
	return nil
}

func writeConfig(cmd *cobra.Command, text string, force bool) error {
	if force { // a link that is there goes, not what it leads to
		if err := os.Remove(settings.FileName); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	err := createFile(settings.FileName, text)
	if errors.Is(err, fs.ErrExist) {
		return cli.WithHint(errors.New(settings.FileName+" already exists"), "hotstart init --force")
	}
	if err == nil {
		fmt.Fprintf(cmd.OutOrStdout(), "wrote %s\n", settings.FileName)
	}
	return err
}

// createFile writes a new file. The error wraps fs.ErrExist if the file exists.
func createFile(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

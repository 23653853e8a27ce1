package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
)

// mcpProgram answers agents. It is a program of its own because the SDK of the protocol
// would make hotstart 2 MB larger.
const mcpProgram = "hotstart-mcp"

func newMCPCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "mcp [folder]",
		Short: "Let a coding agent ask a running hotstart (Model Context Protocol)",
		Long: "Mcp answers a client of the Model Context Protocol on standard input and output:\n" +
			"status, wait, reload, logs and build errors of the hotstart that runs for the project\n" +
			"in the folder (default: this folder). It runs the program hotstart-mcp.",
		Args: atMostOne("folder"),
		RunE: func(_ *cobra.Command, args []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			path, err := exec.LookPath(filepath.Join(filepath.Dir(self), mcpProgram))
			if err != nil {
				path, err = exec.LookPath(mcpProgram)
			}
			if err != nil {
				return cli.WithHint(errors.New("hotstart mcp needs the program "+mcpProgram),
					"go install github.com/hotstart/hotstart/cmd/hotstart-mcp@latest")
			}
			return syscall.Exec(path, append([]string{mcpProgram, "-hotstart=" + self}, args...), os.Environ())
		},
	}
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// vscodeTask runs hotstart as a background task. %s are the arguments of hotstart. The
// first pattern matches a diagnostic: a file, a line, a column and a message. Names of
// files are relative to the folder of hotstart, or absolute where that is shorter.
const vscodeTask = `{
  "label": "hotstart",
  "type": "process",
  "command": "hotstart",
  "args": %s,
  "isBackground": true,
  "group": "build",
  "presentation": { "reveal": "silent", "panel": "dedicated" },
  "problemMatcher": {
    "owner": "hotstart",
    "source": "hotstart",
    "severity": "error",
    "fileLocation": ["autoDetect", "${workspaceFolder}"],
    "pattern": { "regexp": "^([^\\s:][^:]*):(\\d+):(\\d+): (.+)$", "file": 1, "line": 2, "column": 3, "message": 4 },
    "background": {
      "activeOnStart": true,
      "beginsPattern": "^hotstart: reload begins$",
      "endsPattern": "^hotstart: reload ends: "
    }
  }
}`

// vscodeLaunch attaches a debugger to the worker that serves.
const vscodeLaunch = `{
  "name": "hotstart: attach to the worker",
  "type": "go",
  "request": "attach",
  "mode": "local",
  "processId": "${command:pickGoProcess}"
}`

func newInitVSCodeCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "vscode [package]",
		Short: "Write a task and a launch configuration for Visual Studio Code",
		Long: "Vscode writes .vscode/tasks.json and .vscode/launch.json into this folder. The task\n" +
			"\"hotstart\" runs hotstart watch for the package, and shows what does not build or start\n" +
			"as problems until it is fixed. The launch configuration attaches the debugger to the\n" +
			"worker.\n\n" +
			"A file that exists is not changed: vscode prints what to add to it.",
		Args: atMostOne("package"),
		RunE: func(cmd *cobra.Command, args []string) error {
			arguments := []string{`"watch"`}
			for _, arg := range append(args, "--debug", "--log-format=plain") {
				text, err := json.Marshal(arg)
				if err != nil {
					return err
				}
				arguments = append(arguments, string(text))
			}
			task := fmt.Sprintf(vscodeTask, "["+strings.Join(arguments, ", ")+"]")
			if err := writeVSCode(cmd, "tasks.json", "2.0.0", "tasks", task); err != nil {
				return err
			}
			return writeVSCode(cmd, "launch.json", "0.2.0", "configurations", vscodeLaunch)
		},
	}
}

// writeVSCode writes a file of Visual Studio Code with one entry in a list. If the file
// exists, writeVSCode prints the entry instead.
func writeVSCode(cmd *cobra.Command, name, version, list, entry string) error {
	file := filepath.Join(".vscode", name)
	if err := os.MkdirAll(".vscode", 0o755); err != nil {
		return err
	}
	text := fmt.Sprintf("{\n  \"version\": %q,\n  %q: [\n    %s\n  ]\n}\n", version, list, strings.ReplaceAll(entry, "\n", "\n    "))
	if now, err := os.ReadFile(file); err == nil && string(now) == text {
		fmt.Fprintf(cmd.OutOrStdout(), "%s is up to date\n", file)
		return nil
	}
	switch err := createFile(file, text); {
	case errors.Is(err, fs.ErrExist):
		fmt.Fprintf(cmd.OutOrStdout(), "%s exists and is not changed; add this to its %q:\n%s\n", file, list, entry)
		return nil
	case err != nil:
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "wrote %s\n", file)
	return nil
}

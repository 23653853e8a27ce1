// Hotstart reloads a Go server without dropping a connection.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/starter"
)

// Exit codes. A second signal that cuts the end short gives 128 plus its
// number, as a shell does.
const (
	exitOK      = 0 // asked to stop, and every worker left
	exitFailure = 1
	exitUsage   = 2 // the command line is wrong
)

func main() {
	builder.Record()
	starter.Helper()
	beFrugal()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// beFrugal has hotstart, which waits for nearly all of its life, keep little
// garbage: 2 of 18 MB less. A GOGC of the user's wins.
func beFrugal() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

// run is hotstart without the process around it.
func run(args []string, stdout, stderr io.Writer) int {
	root := newRootCmd()
	if filepath.Base(os.Args[0]) == startServer {
		root = asStartServer(newRunCmd())
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(context.Background())
	_, log := newLog(stderr, cmd)
	return exitCode(log, err)
}

func newRootCmd() *cobra.Command {
	root := &cobra.Command{
		Use:   "hotstart",
		Short: "Reload a Go server without dropping a connection",
		Long: "hotstart keeps a server's listening sockets open while it builds the program,\n" +
			"starts the new one on them, and stops the old one only when the new one is ready.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          unknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Version:       version(),
	}
	root.SetVersionTemplate("hotstart {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{err: err, hint: cmd.CommandPath() + " --help"}
	})
	addColorFlag(root.PersistentFlags())
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return checkColor(root) }
	root.AddCommand(newWatchCmd(root.PersistentFlags()), newRunCmd(), newInitCmd(), newConfigCmd(root.PersistentFlags()), newDemoCmd(), newVersionCmd())
	return root
}

func addColorFlag(f *pflag.FlagSet) {
	when := "auto"
	choiceVar(f, &when, "color", "auto|always|never", "colour the output")
}

func checkColor(cmd *cobra.Command) error {
	if err := oneOf("color", colorOf(cmd), "auto", "always", "never"); err != nil {
		return &usageError{err: err, hint: "hotstart --help"}
	}
	return nil
}

// unknownCommand returns an error for an argument that is not a command.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{err: fmt.Errorf("unknown command %q", args[0]), hint: "hotstart --help"}
}

// noArgs returns an error if there are arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{err: fmt.Errorf("%s takes no argument: %q", cmd.CommandPath(), args[0]), hint: cmd.CommandPath() + " --help"}
}

// usageError is an invalid command line.
type usageError struct {
	err  error
	hint string // the next command to type
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }
func (e *usageError) Hint() string  { return e.hint }

// hintedError is one after which there is something to type.
type hintedError struct {
	error
	hint string
}

func (e *hintedError) Unwrap() error { return e.error }
func (e *hintedError) Hint() string  { return e.hint }

// signalError says that a second signal ended what the first had asked to.
type signalError struct{ signal syscall.Signal }

func (e *signalError) Error() string { return "ended by " + e.signal.String() }

// endedError says that the program has ended, and hotstart with it.
type endedError struct{ code int }

func (e *endedError) Error() string {
	return fmt.Sprintf("the program ended with exit code %d", e.code)
}

// exitCode tells the user of err, and what to type next.
func exitCode(log *report.Log, err error) int {
	var cut *signalError
	var ended *endedError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &cut):
		return 128 + int(cut.signal)
	case errors.As(err, &ended):
		return ended.code // the line of its end is on the screen
	case errors.As(err, new(*toldError)):
		return exitFailure
	}
	log.Handle(report.Failed{Err: err})
	if isUsage(err) {
		return exitUsage
	}
	return exitFailure
}

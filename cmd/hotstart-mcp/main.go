// Hotstart-mcp lets a coding agent ask a hotstart that runs, by the Model Context
// Protocol on standard input and output. It is a thin shell over the commands of hotstart.
//
// It is a module of its own, because the SDK would make hotstart 2 MB larger, and would
// bring its dependencies into each program that imports starter/worker.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func main() { os.Exit(run(os.Args[1:])) }

// run answers a client until it closes standard input, or until a signal.
func run(args []string) int {
	flags := flag.NewFlagSet("hotstart-mcp", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), "Usage:\n  hotstart-mcp [-hotstart path] [folder]\n\n"+
			"Answers a client of the Model Context Protocol on standard input and output. folder is\n"+
			"that of the project (default: this folder).\n\n")
		flags.PrintDefaults()
	}
	command := flags.String("hotstart", "", "`path` of hotstart (default: next to this program, or else in PATH)")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 1 {
		fmt.Fprintf(os.Stderr, "hotstart-mcp: want one folder, not several: %q\n  hotstart-mcp -help\n", flags.Args())
		return 2
	}
	h, err := newHotstart(*command, flags.Arg(0))
	if err != nil {
		fmt.Fprintf(os.Stderr, "hotstart-mcp: %v\n", err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := newServer(h).Run(ctx, &mcp.StdioTransport{}); err != nil && ctx.Err() == nil {
		fmt.Fprintf(os.Stderr, "hotstart-mcp: %v\n", err)
		return 1
	}
	return 0
}

// newHotstart finds the program hotstart. An empty dir is the working directory.
func newHotstart(command, dir string) (hotstart, error) {
	dir, err := filepath.Abs(dir)
	if err != nil || command != "" {
		return hotstart{command, dir}, err
	}
	if self, err := os.Executable(); err == nil {
		next := filepath.Join(filepath.Dir(self), "hotstart")
		if path, err := exec.LookPath(next); err == nil {
			return hotstart{path, dir}, nil
		}
	}
	path, err := exec.LookPath("hotstart")
	if err != nil {
		return hotstart{}, fmt.Errorf("the program hotstart is not in PATH; run: go install github.com/hotstart/hotstart/cmd/hotstart@latest")
	}
	return hotstart{path, dir}, nil
}

// release is the version of a released binary; "" for others.
var release string

func version() string {
	if info, ok := debug.ReadBuildInfo(); release == "" && ok {
		return info.Main.Version
	}
	return release
}

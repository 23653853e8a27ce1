// Hotstart reloads a Go server without dropping a connection.
package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/starter"
)

func main() {
	builder.RunTool()
	starter.DispatchReexec()
	tuneGC()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// tuneGC lowers GOGC, unless the user has set it, because hotstart is idle most
// of the time; that saves about 2 of 18 MB.
func tuneGC() {
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
	if err != nil && !cli.IsReported(err) {
		parseOutputFlags(cmd, args)
		_, log := newLog(stderr, cmd)
		log.Handle(report.Failed{Err: err})
	}
	return cli.Code(err)
}

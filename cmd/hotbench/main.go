// Hotbench measures how fast hotstart and other tools serve an edit, and what
// they cost:
//
//	go run ./cmd/hotbench compare   measures and keeps the figures
//	go run ./cmd/hotbench report    writes docs/speed.md and its picture from them
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	commands := map[string]func([]string) error{"compare": runCompare, "report": runReport}
	if len(args) == 0 || commands[args[0]] == nil {
		fmt.Fprintln(os.Stderr, "usage: hotbench compare|report [flags]; -h shows the flags of each")
		return 2
	}
	err := commands[args[0]](args[1:])
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		return 2
	}
	fmt.Fprintln(os.Stderr, "hotbench:", err)
	return 1
}

// bench is a temporary folder for the programs, and the measured hotstart.
type bench struct {
	dir      string // removed at the end
	hotstart string // path of the binary
	mark     string // NAME=VALUE in the environment of all that is started
}

// newBench builds hotstart from the checkout of this program, unless a binary
// is given.
func newBench(binary string) (*bench, error) {
	dir, err := os.MkdirTemp("", "hotbench-")
	if err != nil {
		return nil, err
	}
	const name = "HOTBENCH_RUN"
	text := newText()
	os.Setenv(name, text)
	b := &bench{dir: dir, hotstart: binary, mark: name + "=" + text}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() { // ends with the process
		sig := <-signals
		killMarked(b.mark)
		os.RemoveAll(dir)
		os.Exit(128 + int(sig.(syscall.Signal)))
	}()
	if binary != "" {
		return b, nil
	}
	b.hotstart = filepath.Join(dir, "hotstart")
	build := exec.Command("go", "build", "-o", b.hotstart, "./cmd/hotstart")
	build.Dir, build.Stderr = checkout(), os.Stderr
	if err := build.Run(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("building hotstart: %w", err)
	}
	return b, nil
}

// checkout is the root of the repository that this program was built in.
func checkout() string {
	_, source, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(source), "..", "..")
}

// defaultOut is the folder with the figures that the documentation shows.
func defaultOut() string { return filepath.Join(checkout(), "docs", "speed") }

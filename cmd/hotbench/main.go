// Hotbench measures hotstart. It is a module of its own, so that what it
// compares with does not enter hotstart's.
//
//	go run . all          all that docs/speed.md shows
//	go run . compare      hotstart beside its peers, on four programs
//	go run . share        how much of the time is hotstart's own
//	go run . hangup       hotstart run and start_server at SIGHUP
//	go run . endure       what a thousand reloads leave behind
//	go run . report       the page and the pictures, from the figures kept
//	go run . lossless     how many requests are lost over many reloads
//	go run . programs     the same of programs of others, from the module proxy
//	go run . chaos        what survives a bad day, of hotstart watch and run
package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
)

func main() {
	if filepath.Base(os.Args[0]) == "go" {
		os.Exit(asGo(os.Args[1:]))
	}
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	commands := map[string]func([]string) error{
		"all": runAll, "compare": runCompare, "share": runShare, "hangup": runHangup, "endure": runEndure, "report": runReport,
		"lossless": runLossless, "programs": runReals, "chaos": runChaos,
	}
	if len(args) == 0 || commands[args[0]] == nil {
		names := slices.Sorted(maps.Keys(commands))
		fmt.Fprintf(os.Stderr, "usage: hotbench %s [flags]; each tells its flags by -h\n", strings.Join(names, "|"))
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

// bench is what every measurement needs: a folder, and a hotstart.
type bench struct {
	dir      string // for everything; removed at the end
	mark     string // in the environment of all that is started
	signals  chan os.Signal
	checkout string // of hotstart
	hotstart string // the binary
	closing  sync.Once
}

// newBench builds hotstart from the checkout that this program stands in,
// unless a binary is given.
func newBench(binary string) (*bench, error) {
	b := &bench{hotstart: binary, checkout: filepath.Join(sourceDir(), "..", "..")}
	if _, err := os.Stat(filepath.Join(b.checkout, "cmd", "hotstart")); err != nil {
		return nil, fmt.Errorf("finding the checkout that this was built in: %w", err)
	}
	var err error
	if b.dir, err = os.MkdirTemp("", "hotbench-"); err != nil {
		return nil, err
	}
	b.mark = "HOTBENCH_RUN=" + newText()
	name, value, _ := strings.Cut(b.mark, "=")
	os.Setenv(name, value)
	b.signals = make(chan os.Signal, 1)
	signal.Notify(b.signals, syscall.SIGINT, syscall.SIGTERM)
	go b.interrupted()
	if binary != "" {
		return b, nil
	}
	b.hotstart = filepath.Join(b.dir, "hotstart")
	build := exec.Command("go", "build", "-o", b.hotstart, "./cmd/hotstart")
	build.Dir, build.Stderr = b.checkout, os.Stderr
	if err := build.Run(); err != nil {
		b.close()
		return nil, fmt.Errorf("building hotstart: %w", err)
	}
	return b, nil
}

// interrupted cleans up when somebody does not want to wait for the end. It
// goes on until close.
func (b *bench) interrupted() {
	sig, ok := <-b.signals
	if !ok {
		return
	}
	endMarked(b.mark)
	b.close()
	os.Exit(128 + int(sig.(syscall.Signal)))
}

// sourceDir is the folder of this program's source.
func sourceDir() string {
	_, source, _, _ := runtime.Caller(0)
	return filepath.Dir(source)
}

// defaultOut is where the figures are that the documentation shows.
func defaultOut() string { return filepath.Join(sourceDir(), "..", "..", "docs", "speed") }

// close may be called twice: by a signal, and by who it has cut short.
func (b *bench) close() {
	b.closing.Do(func() {
		signal.Stop(b.signals)
		close(b.signals)
		os.RemoveAll(b.dir)
	})
}

func (b *bench) project(name, program string) (*project, error) {
	return newProject(filepath.Join(b.dir, name), program, b.checkout)
}

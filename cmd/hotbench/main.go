// Hotbench measures hotstart. It is a module of its own, so that what it
// compares with does not enter hotstart's.
//
//	go run . latency          how long a save takes to be served
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	commands := map[string]func([]string) error{"latency": runLatency}
	if len(args) == 0 || commands[args[0]] == nil {
		fmt.Fprintln(os.Stderr, "usage: hotbench latency [flags]")
		return 2
	}
	if err := commands[args[0]](args[1:]); err != nil {
		if err == flag.ErrHelp {
			return 2
		}
		fmt.Fprintln(os.Stderr, "hotbench:", err)
		return 1
	}
	return 0
}

// buildHotstart builds the hotstart that stands beside this program.
func buildHotstart(dir string) (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("finding this module: %w", err)
	}
	source := filepath.Join(filepath.Dir(string(out)), "..", "..")
	binary := filepath.Join(dir, "hotstart")
	build := exec.Command("go", "build", "-o", binary, "./cmd/hotstart")
	build.Dir, build.Stderr = source, os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("building hotstart: %w", err)
	}
	return binary, nil
}

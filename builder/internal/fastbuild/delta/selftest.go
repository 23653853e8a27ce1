package delta

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
)

// maxRun is how long a program of the self-test may run.
const maxRun = 20 * time.Second

// The program of the self-test: package lib, which is not edited, and package
// main before and after the edit.
var (
	//go:embed testdata/selftest/lib.go.txt
	testLibrary string
	//go:embed testdata/selftest/after.go.txt
	testEdit string
)

const (
	testModule = "module selftest\n\ngo 1.24\n"
	testBefore = `package main

import (
	"fmt"
	_ "os"
	_ "reflect"
	_ "runtime/debug"
	_ "sort"
	_ "strings"
	_ "sync"

	"selftest/lib"
)

func main() { fmt.Println(lib.Name) }
`
)

// selfTest links an edited program as a delta and with the ordinary linker. It
// returns an error if the two do not print the same.
func selfTest(ctx context.Context, t *linktool.Test) error {
	before, err := t.Compile(ctx, "src", map[string]string{"go.mod": testModule, "main.go": testBefore, "lib/lib.go": testLibrary})
	if err != nil {
		return err
	}
	after, err := t.Compile(ctx, "src", map[string]string{"main.go": testEdit})
	if err != nil {
		return err
	}
	for path, file := range after {
		if before[path] == "" {
			before[path] = file
		}
	}
	const id = "e/f/g/e"
	c := &linktool.Command{
		Flags: []string{"-s", "-w", "-buildmode=exe", "-buildid=" + id}, Dir: t.Dir, Env: t.Env,
		Main: "selftest", Config: linktool.Config,
	}
	b := &base{tool: t.Tool, dir: filepath.Join(t.Dir, "base"), command: c, archives: before, hot: map[string]bool{c.Main: true}}
	if err := b.make(ctx); err != nil {
		return err
	}
	got, want := filepath.Join(t.Dir, "got"), filepath.Join(t.Dir, "want")
	if err := b.link(ctx, after, id, got); err != nil {
		return err
	}
	if err := t.LinkOrdinary(ctx, c, after, want); err != nil {
		return err
	}
	return compareOutput(ctx, got, want)
}

func compareOutput(ctx context.Context, got, want string) error {
	x, err := runProgram(ctx, got)
	if err != nil {
		return err
	}
	y, err := runProgram(ctx, want)
	if err == nil && !bytes.Equal(x, y) {
		err = errors.New("the program with a delta does not do what the ordinary one does")
	}
	return err
}

// runProgram returns what a program prints.
func runProgram(ctx context.Context, program string) (output []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxRun)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if output, err = cmd.CombinedOutput(); err != nil {
		err = fmt.Errorf("running %s: %w: %s", program, err, bytes.TrimSpace(output))
	}
	return output, err
}

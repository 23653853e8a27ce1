package delta

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
)

// base is a program to which deltas can be linked: the edited packages, the hot
// ones, are linked again, all others are taken from the program.
type base struct {
	tool     string // the linker
	dir      string // of its files
	command  *linktool.Command
	archives map[string]string // by import path
	hot      map[string]bool   // by import path
	urgent   bool              // links at the usual priority: set by tests

	mu      sync.Mutex // held while the files are used
	linked  bool
	removed bool
}

// errGaveUp means that a program can't be linked with certainty.
var errGaveUp = errors.New("linking with a delta is not possible")

// errShort means that a base needs more disk or memory than is free now.
var errShort = errors.New("not enough free disk space or memory for a base")

// neverHot means that a package can't be hot.
type neverHot struct{ path, why string }

func (e *neverHot) Error() string { return e.path + " " + e.why }

func (b *base) file(name string) string { return filepath.Join(b.dir, name) }

// covers returns an error if a link needs more than what hot packages can change.
func (b *base) covers(c *linktool.Command, archives map[string]string) error {
	if b.command != c {
		return errNoBase
	}
	for path, file := range archives {
		switch was := b.archives[path]; {
		case was == "":
			return fmt.Errorf("%w: %s is new", errGaveUp, path)
		case was != file && !b.hot[path]:
			return fmt.Errorf("%w: %s was not edited before", errGaveUp, path)
		}
	}
	return nil
}

func (b *base) isLinked() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.linked
}

// checkRoom returns an error if the link of all archives needs more disk or memory than is free.
// Measured with 1,000 packages: two bases have half of the size of the archives, and the linker, with
// the pages of archives that the kernel can drop, 1.3 times their size.
func (b *base) checkRoom(archives map[string]string) error {
	size := linktool.Size(archives)
	if err := cmp.Or(linktool.CheckDisk(filepath.Dir(b.dir), 64<<20+size/2), linktool.CheckMemory(256<<20+size+size/2)); err != nil {
		return fmt.Errorf("%w: %w", errShort, err)
	}
	return nil
}

// make links the base, at the lowest priority.
func (b *base) make(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	if err := b.checkRoom(b.archives); err != nil {
		return err
	}
	err := b.run(ctx, "base", b.archives, b.command.Flags, b.file("base"))
	b.linked = err == nil
	return err
}

// prepareCopy makes the file that the next delta link changes.
func (b *base) prepareCopy() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.copy()
}

func (b *base) copy() error {
	if b.removed {
		return errNoBase
	}
	if _, err := os.Stat(b.file("copy")); err == nil {
		return nil
	}
	if err := linktool.Copy(b.file("base"), b.file("part")); err != nil {
		_ = os.Remove(b.file("part"))
		if errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("%w: %w", errShort, err)
		}
		return err
	}
	return os.Rename(b.file("part"), b.file("copy"))
}

// link links a delta. If that is possible, it writes the program into the file output.
func (b *base) link(ctx context.Context, archives map[string]string, buildID, output string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.copy(); err != nil {
		return err
	}
	defer func() { _ = os.Remove(b.file("copy")) }() // it is changed, or it is the program
	flags := slices.Clone(b.command.Flags)
	for i, flag := range flags {
		if strings.HasPrefix(flag, "-buildid=") {
			flags[i] = "-buildid=" + buildID
		}
	}
	if err := b.run(ctx, "delta", archives, flags, b.file("delta")); err != nil {
		return err
	}
	if err := os.Rename(b.file("copy"), output); err != nil {
		return err
	}
	// The caller may remove the program before it is compared.
	_ = os.Remove(b.file("last"))
	_ = os.Link(output, b.file("last")) // without it, the program is not compared
	return nil
}

// run runs the linker.
func (b *base) run(ctx context.Context, mode string, archives map[string]string, flags []string, output string, env ...string) error {
	config, err := b.command.Config(archives)
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.file("importcfg"), []byte(config), 0o600); err != nil {
		return err
	}
	args := append([]string{"-o", output, "-importcfg", b.file("importcfg")}, flags...)
	cmd := exec.CommandContext(ctx, b.tool, append(args, archives[b.command.Main])...)
	cmd.Dir = b.command.Dir
	cmd.Env = append(slices.Clip(b.command.Env), "TMPDIR="+b.dir,
		"HOTSTART_DELTA="+mode, "HOTSTART_DELTA_HOT="+strings.Join(b.hotLibraries(archives), ","),
		"HOTSTART_DELTA_SNAPSHOT="+b.file("snapshot"), "HOTSTART_DELTA_BASE="+b.file("base"), "HOTSTART_DELTA_COPY="+b.file("copy"))
	cmd.Env = append(cmd.Env, env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return err
	}
	if mode != "delta" && !b.urgent {
		_ = syscall.Setpriority(syscall.PRIO_PGRP, cmd.Process.Pid, 19) // or it keeps the usual priority
	}
	return b.resultOf(cmd.Wait(), out.String())
}

// hotLibraries returns the names that the linker has for the hot packages.
func (b *base) hotLibraries(archives map[string]string) (names []string) {
	for path := range b.hot {
		if archives[path] != "" {
			names = append(names, b.command.LibraryName(path))
		}
	}
	slices.Sort(names)
	return names
}

// Exit codes of the linker.
const (
	exitGaveUp   = 3
	exitNeverHot = 4 // the output is the name of a package, and why it can't be hot
	exitDiffers  = 5 // the output names what differs
)

// resultOf returns the error of a run of the linker.
func (b *base) resultOf(err error, output string) error {
	output = strings.TrimSpace(output)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit) && exit.ExitCode() == exitGaveUp:
		return fmt.Errorf("%w: %s", errGaveUp, output)
	case errors.As(err, &exit) && exit.ExitCode() == exitNeverHot:
		name, why, _ := strings.Cut(output, " ")
		if name == "main" {
			name = b.command.Main
		}
		return &neverHot{name, why}
	case errors.As(err, &exit) && exit.ExitCode() == exitDiffers:
		return fmt.Errorf("%w: %s", ErrDiffers, output)
	}
	if errors.As(err, &exit) && exit.ExitCode() > 0 && !strings.Contains(output, "\ngoroutine ") {
		return fmt.Errorf("%w: %s", errGaveUp, output) // an error that the ordinary linker has, too
	}
	return fmt.Errorf("linking with a delta: %w: %s", err, output)
}

// remove removes the files, when they are not used.
func (b *base) remove() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.removed, b.linked = true, false
	_ = os.RemoveAll(b.dir)
}

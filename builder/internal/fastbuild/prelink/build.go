package prelink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder/internal/gotool"
)

// maxUnused is how long a linker that no session has used is kept.
const maxUnused = 30 * 24 * time.Hour

// errUntested means that a waiting linker was not tested under these conditions.
var errUntested = errors.New("a waiting linker was not tested with this")

// build returns the linker for the Go installation. It takes it from CacheDir,
// or builds and tests it.
func (l *Linker) build(ctx context.Context) (tool string, err error) {
	version, err := os.ReadFile(filepath.Join(l.GOROOT, "VERSION"))
	if err != nil {
		return "", err
	}
	o, err := newOverlay(l.GOROOT)
	if err != nil {
		return "", err
	}
	if tested[o.sum] == "" {
		return "", fmt.Errorf("%w: the sources of %s", errUntested, strings.Fields(string(version))[0])
	}
	if err := l.makeCacheDir(); err != nil {
		return "", err
	}
	tool = filepath.Join(l.CacheDir, "link-"+o.key(string(version), l.GOROOT))
	if now := time.Now(); os.Chtimes(tool, now, now) == nil {
		return tool, nil
	}
	l.removeUnused()
	dir, err := os.MkdirTemp(l.CacheDir, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	built := filepath.Join(dir, "link")
	if err := l.buildTool(ctx, o, dir, built); err != nil {
		return "", err
	}
	if err := l.selfTest(ctx, dir, built); err != nil {
		return "", err
	}
	return tool, os.Rename(built, tool)
}

// makeCacheDir makes the directory of linkers. It refuses one that another user could write.
func (l *Linker) makeCacheDir() error {
	if err := os.MkdirAll(l.CacheDir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(l.CacheDir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(owner.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("using %s: another user can write it", l.CacheDir)
	}
	return nil
}

// removeUnused removes linkers and unfinished builds of other sessions.
func (l *Linker) removeUnused() {
	entries, _ := os.ReadDir(l.CacheDir)
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > maxUnused {
			_ = os.RemoveAll(filepath.Join(l.CacheDir, entry.Name()))
		}
	}
}

func (l *Linker) buildTool(ctx context.Context, o *overlay, dir, output string) error {
	config, err := o.write(l.GOROOT, dir)
	if err != nil {
		return err
	}
	_, err = l.run(ctx, dir, "build", "-overlay", config, "-ldflags=-s -w", "-o", output, "cmd/link")
	return err
}

// project returns the Go installation, without settings of the user that would
// lead to another program.
func (l *Linker) project(ctx context.Context, dir string) (*gotool.Project, error) {
	p := &gotool.Project{Go: filepath.Join(l.GOROOT, "bin", "go"), Dir: dir, Environ: l.Env, TempDir: dir}
	cache, _, err := p.Run(ctx, "env", "GOCACHE")
	if err != nil {
		return nil, err
	}
	p.Environ = append(slices.DeleteFunc(slices.Clone(l.Env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return strings.HasPrefix(name, "GO") || strings.HasPrefix(name, "CGO_")
	}), "GOENV=off", "GOTOOLCHAIN=local", "GOWORK=off", "CGO_ENABLED=0", "GOPROXY=off",
		"GOCACHE="+strings.TrimSpace(cache),
		// -overlay does not replace files of the module cache, where downloaded toolchains are.
		"GOMODCACHE="+filepath.Join(dir, "modules"))
	return p, nil
}

// run runs the go command at the lowest priority, and returns its output.
func (l *Linker) run(ctx context.Context, dir string, args ...string) (output string, err error) {
	p, err := l.project(ctx, dir)
	if err != nil {
		return "", err
	}
	if output, err = p.Build(ctx, args, true, nil); err != nil {
		return "", fmt.Errorf("go %s: %w: %s", args[0], err, output)
	}
	return output, nil
}

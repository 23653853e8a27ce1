package linktool

import (
	"context"
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

// maxBuild is longer than any build of a linker takes.
const maxBuild = time.Hour

// Build returns the linker for the Go installation. It takes it from CacheDir,
// or builds it at the lowest priority and tests it.
func (s *Source) Build(ctx context.Context, options Options) (tool string, err error) {
	version, err := os.ReadFile(filepath.Join(options.GOROOT, "VERSION"))
	if err != nil {
		return "", err
	}
	o, err := s.overlay(options.GOROOT)
	if err != nil {
		return "", err
	}
	if s.Tested[o.sum] == "" {
		return "", fmt.Errorf("%w: the sources of %s, hash %s", ErrUntested, strings.Fields(string(version))[0], o.sum)
	}
	if err := makeCacheDir(options.CacheDir); err != nil {
		return "", err
	}
	tool = filepath.Join(options.CacheDir, s.Name+"-"+o.key(string(version), options.GOROOT))
	removeUnused(options.CacheDir)
	if now := time.Now(); os.Chtimes(tool, now, now) == nil {
		return tool, nil
	}
	dir, err := os.MkdirTemp(options.CacheDir, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	t := &Test{Options: options, Tool: filepath.Join(dir, "link")}
	t.Dir = dir
	if err := t.build(ctx, o); err != nil {
		return "", err
	}
	if err := s.SelfTest(ctx, t); err != nil {
		return "", err
	}
	return tool, os.Rename(t.Tool, tool)
}

// makeCacheDir makes the directory of linkers. It refuses one that another user could write.
func makeCacheDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(owner.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("using %s: another user can write it", dir)
	}
	return nil
}

// removeUnused removes linkers and unfinished builds of other sessions.
func removeUnused(cacheDir string) {
	entries, _ := os.ReadDir(cacheDir)
	for _, entry := range entries {
		kept := maxUnused
		if entry.IsDir() {
			kept = maxBuild
		}
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > kept {
			_ = os.RemoveAll(filepath.Join(cacheDir, entry.Name()))
		}
	}
}

func (t *Test) build(ctx context.Context, o *overlay) error {
	config, err := o.write(t.GOROOT, t.Dir)
	if err != nil {
		return err
	}
	_, err = t.run(ctx, t.Dir, "build", "-overlay", config, "-ldflags=-s -w", "-o", t.Tool, "cmd/link")
	return err
}

// project returns the Go installation, without settings of the user that would
// lead to another program.
func (t *Test) project(ctx context.Context, dir string) (*gotool.Project, error) {
	p := &gotool.Project{Go: filepath.Join(t.GOROOT, "bin", "go"), Dir: dir, Environ: t.Env, TempDir: dir}
	cache, _, err := p.Run(ctx, "env", "GOCACHE")
	if err != nil {
		return nil, err
	}
	p.Environ = append(slices.DeleteFunc(slices.Clone(t.Env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return strings.HasPrefix(name, "GO") || strings.HasPrefix(name, "CGO_")
	}), "GOENV=off", "GOTOOLCHAIN=local", "GOWORK=off", "CGO_ENABLED=0", "GOPROXY=off",
		"GOCACHE="+strings.TrimSpace(cache),
		// -overlay does not replace files of the module cache, where downloaded toolchains are.
		"GOMODCACHE="+filepath.Join(dir, "modules"))
	return p, nil
}

// run runs the go command at the lowest priority, and returns its output.
func (t *Test) run(ctx context.Context, dir string, args ...string) (output string, err error) {
	p, err := t.project(ctx, dir)
	if err != nil {
		return "", err
	}
	if output, err = p.Build(ctx, args, true, nil); err != nil {
		return "", fmt.Errorf("go %s: %w: %s", args[0], err, output)
	}
	return output, nil
}

package direct

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// compileAll compiles packages and then those that import one whose exports have changed.
// An import that goes by packages which can't be compiled again does not count: such a
// package was compiled with other exports than it finds, and the linker refuses that.
func (p *Program) compileAll(ctx context.Context, changed []string) error {
	pending := map[string]bool{}
	for _, path := range changed {
		pending[path] = true
	}
	for len(pending) > 0 {
		wave := p.lowest(pending)
		affected, err := p.compileWave(ctx, wave)
		if err != nil {
			return err
		}
		for _, path := range wave {
			delete(pending, path)
		}
		for _, path := range affected {
			pending[path] = true
		}
	}
	return nil
}

// lowest returns the pending packages that are above no other pending one.
func (p *Program) lowest(pending map[string]bool) (wave []string) {
	above := map[string]bool{} // or not, once it is known
	var isAbove func(path string) bool
	isAbove = func(path string) bool {
		if known, ok := above[path]; ok || p.packages[path] == nil {
			return known
		}
		above[path] = slices.ContainsFunc(p.packages[path].imports, func(lower string) bool {
			return pending[lower] || isAbove(lower)
		})
		return above[path]
	}
	for path := range pending {
		if !isAbove(path) {
			wave = append(wave, path)
		}
	}
	slices.Sort(wave)
	return wave
}

// compileWave compiles packages that don't import each other. It returns those that
// import what has changed.
func (p *Program) compileWave(ctx context.Context, wave []string) (affected []string, err error) {
	files, errs := make([]string, len(wave)), make([]error, len(wave))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for i, path := range wave {
		slots <- struct{}{}
		group.Go(func() {
			files[i], errs[i] = p.compile(ctx, path)
			<-slots
		})
	}
	group.Wait()
	for i, path := range wave {
		if errs[i] == nil && !p.sameExports(path, files[i]) {
			affected = append(affected, p.importers(path)...)
		}
		if files[i] != "" {
			p.archives[path] = files[i]
		}
	}
	return affected, errors.Join(errs...)
}

// sameExports reports whether an archive exports what the one before it does.
func (p *Program) sameExports(path, file string) bool {
	before, err := exported(p.archives[path])
	if err != nil {
		return false
	}
	after, err := exported(file)
	return err == nil && bytes.Equal(before, after)
}

func (p *Program) importers(path string) (importers []string) {
	for importer, known := range p.packages {
		if slices.Contains(known.imports, path) {
			importers = append(importers, importer)
		}
	}
	return importers
}

// compile compiles a package into a new file, which is there also after an error.
func (p *Program) compile(ctx context.Context, path string) (file string, err error) {
	known := p.packages[path]
	if known == nil {
		return "", fmt.Errorf("compiling %s again: no command is known", path)
	}
	c := known.command
	if file, err = p.newFile("*.a"); err != nil {
		return "", err
	}
	values := map[string]string{"-o": file}
	for flag, content := range map[string]string{"-importcfg": c.ImportConfig, "-embedcfg": c.EmbedConfig} {
		if flag == "-importcfg" {
			content, err = parseConfig(content).with(p.archives)
		}
		if err != nil || content == "" {
			continue
		}
		if values[flag], err = p.write(content); err == nil {
			defer os.Remove(values[flag])
		}
	}
	if err != nil {
		return file, err
	}
	return file, p.run(ctx, c, c.with(values))
}

// linkTo links the program into a file and stamps it.
func (p *Program) linkTo(ctx context.Context, output string) error {
	text, err := parseConfig(p.link.ImportConfig).with(p.archives)
	if err != nil {
		return err
	}
	config, err := p.write(text)
	if err != nil {
		return err
	}
	defer os.Remove(config)
	args := p.link.with(map[string]string{"-o": output, "-importcfg": config})
	args[len(args)-1] = p.archives[p.main]
	id, err := p.identify(args)
	if err != nil {
		return err
	}
	if err := p.run(ctx, p.link, args); err != nil {
		return err
	}
	return stamp(output, id)
}

// identify gives the program a build ID of its own, from which the linker makes that of
// the host too. It is that of the recorded link with another hash for the action.
func (p *Program) identify(args []string) (id string, err error) {
	i := slices.IndexFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "-buildid=") })
	if i < 0 {
		return "", errors.New("linking again: no build ID")
	}
	recorded := strings.TrimPrefix(args[i], "-buildid=")
	action, rest, _ := strings.Cut(recorded, "/")
	middle, isID := strings.CutSuffix(rest, action)
	hash := sha256.New()
	fmt.Fprintln(hash, recorded)
	for _, path := range slices.Sorted(maps.Keys(p.archives)) {
		if !inside(p.dir, p.archives[path]) {
			continue // any other is the same as when this was recorded
		}
		if err := copyTo(hash, p.archives[path]); err != nil {
			return "", err
		}
	}
	own := shortHash([32]byte(hash.Sum(nil)))
	if !isID || len(own) != len(action) {
		return "", fmt.Errorf("linking again: unlike a build ID: %q", recorded)
	}
	id = own + "/" + middle + own
	args[i] = "-buildid=" + id
	return id, nil
}

func copyTo(w io.Writer, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// write writes a file for one command.
func (p *Program) write(content string) (name string, err error) {
	if name, err = p.newFile("*.cfg"); err != nil {
		return "", err
	}
	return name, os.WriteFile(name, []byte(content), 0o600)
}

// run runs a command as it was run, with other arguments. When ctx is done, it kills it
// with all that it has started, and returns an error that wraps ctx.Err().
func (p *Program) run(ctx context.Context, c *command, args []string) error {
	cmd := exec.CommandContext(ctx, c.Tool, args...)
	cmd.Dir = c.Dir
	cmd.Env = append(c.Env[:len(c.Env):len(c.Env)], "TMPDIR="+p.dir) // what is left there does not stay
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("running %s for %s: %w: %s", c.Tool, c.Package, err, bytes.TrimSpace(out))
	}
	return nil
}

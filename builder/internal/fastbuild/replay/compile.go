package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
)

// compileAll compiles packages, and then those that import a package whose export data has
// changed. If the way from such a package to an importer goes through a package that can't be
// compiled again, the linker reports an error: the archive in between was compiled with other
// export data than the linker finds.
func (p *Program) compileAll(ctx context.Context, changed []string) error {
	pending := map[string]bool{}
	for _, path := range changed {
		pending[path] = true
	}
	for len(pending) > 0 {
		wave := p.lowest(pending)
		importers, err := p.compileWave(ctx, wave)
		if err != nil {
			return err
		}
		for _, path := range wave {
			delete(pending, path)
		}
		for _, path := range importers {
			pending[path] = true
		}
	}
	return nil
}

// lowest returns the pending packages that do not import another pending one, directly or not.
func (p *Program) lowest(pending map[string]bool) (wave []string) {
	above := map[string]bool{} // cache of isAbove
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

// compileWave compiles packages that do not import each other. It returns the importers of
// those whose export data has changed.
func (p *Program) compileWave(ctx context.Context, wave []string) (importers []string, err error) {
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
		if errs[i] == nil && !sameExports(p.archives[path], files[i]) {
			importers = append(importers, p.importers(path)...)
		}
		if files[i] != "" {
			p.archives[path] = files[i]
		}
	}
	return importers, errors.Join(errs...)
}

// sameExports reports whether two archives of a package have the same export data.
func sameExports(before, after string) bool {
	x, err := exportData(before)
	if err != nil {
		return false
	}
	y, err := exportData(after)
	return err == nil && bytes.Equal(x, y)
}

func (p *Program) importers(path string) (importers []string) {
	for importer, known := range p.packages {
		if slices.Contains(known.imports, path) {
			importers = append(importers, importer)
		}
	}
	return importers
}

// compile compiles a package into a new file, which exists after an error, too.
func (p *Program) compile(ctx context.Context, path string) (file string, err error) {
	known := p.packages[path]
	if known == nil {
		return "", fmt.Errorf("compiling %s again: its command is unknown", path)
	}
	c := known.command
	if file, err = p.newFile("*.a"); err != nil {
		return "", err
	}
	imports, err := withArchives(c.ImportConfig, p.archives)
	if err != nil {
		return file, err
	}
	values := map[string]string{"-o": file}
	for flag, content := range map[string]string{"-importcfg": imports, "-embedcfg": c.EmbedConfig} {
		if content == "" {
			continue
		}
		if values[flag], err = p.writeConfig(content); err != nil {
			return file, err
		}
		defer os.Remove(values[flag])
	}
	return file, c.run(ctx, p.dir, c.with(values))
}

// Package adopt instruments a program at build time: hotstart adds one generated file to package main that makes the
// unchanged program inherit its listening sockets, and finish its requests before it stops.
//
// The file is added by `go build -overlay`, so no file of the user's module changes. It imports one generated package,
// which is in the overlay too and has the files of package hook. That code installs functions in hooks of the standard
// library, which it reaches by go:linkname. So no other package is compiled again, the generated package is compiled
// once, and the build cache stays valid.
package adopt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Build describes a build of the program before it runs.
type Build struct {
	GOROOT, GOMODCACHE, GOVERSION, GOOS, GOARCH string // from `go env`

	Dir     string   // directory of package main, as the go command names it
	Path    string   // import path of package main; "" outside a module: then package main gets the files of package hook, which each build compiles in 0.2 s
	Imports []string // import paths of all packages of the program, direct or indirect

	Overlay  string   // absolute path of the user's -overlay; "" without one
	LDFlags  []string // values of -ldflags, in the order in which the go command gets them
	Mode     string   // -buildmode; "" is the default
	Compiler string   // -compiler; "" is gc
	Shared   bool     // -linkshared
	Cover    bool     // -cover

	// Output is an existing directory for the generated files, the same in each
	// build. A file that has not changed is not written again.
	Output string

	Cache Cache // what earlier builds have found in GOROOT; nil without a cache
}

// An Adoption has the arguments for a build of the instrumented program.
type Adoption struct {
	// Flags are flags for `go build`, to be added after all others.
	Flags []string
	// Files are the names in Dir at which the go command sees generated files. A command line that names files
	// instead of a package must name these files as well.
	Files []string
}

// FileName is the name of the generated file in package main, or the beginning of several names outside a module. It
// sorts before the files of the user, because package variables are initialised in the order of files, and one of the
// user's variables may be a listener.
const FileName = "0" + packageName + ".go"

// packageName is the name of the generated package, and of its directory below Dir.
const packageName = "hotstart_adopt"

const overlayName = "overlay.json"

const workerPath = "github.com/hotstart/hotstart/starter/worker"

// Adopt writes the generated files and the overlay. The error says why the program can't be instrumented, or is that of
// writing a file. The program can be built and run without.
func (b Build) Adopt() (*Adoption, error) {
	if err := b.acceptable(); err != nil {
		return nil, err
	}
	if b.Cache == nil {
		b.Cache = Cache{}
	}
	if err := b.checkHooks(); err != nil {
		return nil, err
	}
	files, err := b.files()
	if err != nil {
		return nil, err
	}
	overlay, err := b.overlay(files)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(b.Output, packageName), 0o777); err != nil {
		return nil, fmt.Errorf("making a directory for the generated files: %w", err)
	}
	a := &Adoption{Flags: append([]string{"-overlay=" + filepath.Join(b.Output, overlayName)}, b.linkerFlags()...)}
	for name, content := range files {
		if err := write(filepath.Join(b.Output, name), content); err != nil {
			return nil, err
		}
		if filepath.Base(name) == name {
			a.Files = append(a.Files, name)
		}
	}
	slices.Sort(a.Files)
	return a, write(filepath.Join(b.Output, overlayName), overlay)
}

// acceptable returns an error for a kind of build that can't be instrumented.
func (b Build) acceptable() error {
	switch {
	case b.Dir == "":
		return fmt.Errorf("the directory of package main is not known")
	case b.GOMODCACHE != "" && strings.HasPrefix(b.Dir, b.GOMODCACHE+"/"):
		return fmt.Errorf("the go command does not allow added files in the module cache")
	case b.imports(workerPath):
		return fmt.Errorf("it imports starter/worker, which does the same")
	case b.Compiler != "" && b.Compiler != "gc":
		return fmt.Errorf("-compiler=%s does not have the hooks", b.Compiler)
	case b.Shared:
		return fmt.Errorf("-linkshared uses the standard library without changes")
	case b.Cover:
		return fmt.Errorf("-cover does not see files of an overlay")
	case !slices.Contains([]string{"", "default", "exe", "pie"}, b.Mode):
		return fmt.Errorf("-buildmode=%s does not build a program", b.Mode)
	case !strings.HasPrefix(b.GOROOT, "/"):
		return fmt.Errorf("GOROOT is not known")
	}
	for _, value := range b.LDFlags {
		if strings.Contains(value, "-checklinkname") && !strings.Contains(value, "-checklinkname=0") && !strings.Contains(value, "-checklinkname=false") {
			return fmt.Errorf("-ldflags=%s forbids go:linkname", value)
		}
	}
	return nil
}

// overlay returns the user's overlay with the generated files added.
func (b Build) overlay(files map[string][]byte) ([]byte, error) {
	all := struct{ Replace map[string]string }{map[string]string{}}
	if b.Overlay != "" {
		data, err := os.ReadFile(b.Overlay)
		if err == nil {
			err = json.Unmarshal(data, &all)
		}
		if err != nil {
			return nil, fmt.Errorf("the -overlay of the build can't be read: %v", err)
		}
	}
	for name := range files {
		file := filepath.Join(b.Dir, name)
		_, taken := all.Replace[file]
		if _, err := os.Lstat(file); taken || !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the file %s already exists", file)
		}
		all.Replace[file] = filepath.Join(b.Output, name)
	}
	return json.MarshalIndent(all, "", "\t")
}

// linkerFlags repeats each of the user's -ldflags, with a flag added that allows go:linkname. For each package the go
// command uses the last -ldflags whose pattern matches, so a copy applies to the packages of its original.
func (b Build) linkerFlags() (flags []string) {
	if b.before("go1.23") {
		return nil // these versions allow go:linkname, and do not know the flag
	}
	for _, value := range append([]string{""}, b.LDFlags...) {
		flags = append(flags, "-ldflags="+strings.TrimSpace(value+" -checklinkname=0"))
	}
	return flags
}

// before reports whether GOVERSION, without the suffix of a vendor, is known and older than a release.
func (b Build) before(release string) bool {
	v, _, _ := strings.Cut(b.GOVERSION, " ")
	v, _, _ = strings.Cut(v, "-")
	return version.IsValid(v) && version.Compare(version.Lang(v), release) < 0
}

// write writes a file if its content changes. It replaces the file, so that the file is complete at any time.
func write(name string, content []byte) error {
	old, err := os.ReadFile(name)
	if err == nil && bytes.Equal(old, content) {
		return nil
	}
	next := name + "." + strconv.Itoa(os.Getpid())
	if err := os.WriteFile(next, content, 0o666); err != nil {
		return fmt.Errorf("writing the generated file: %w", err)
	}
	if err := os.Rename(next, name); err != nil {
		return fmt.Errorf("writing the generated file: %w", err)
	}
	return nil
}

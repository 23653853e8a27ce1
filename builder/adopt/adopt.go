// Package adopt makes an unchanged program inherit its listening sockets and
// drain without losing a request: it adds to the program's package main, by
// `go build -overlay`, a file that imports a package, which is not there either,
// made of package hook. That reaches hooks of the standard library by go:linkname, so
// nothing else is compiled for it, itself only once, and the build cache stays that of
// the user.
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

// A Build is what is known of a build before it runs.
type Build struct {
	GOROOT, GOMODCACHE, GOVERSION, GOOS, GOARCH string // as `go env` says

	Dir     string   // of package main, as the go command names it
	Path    string   // its import path; "" if it is in no module: then each build compiles package hook too, 0.2 s
	Imports []string // import paths of all packages of the program, direct or not

	Overlay  string   // the user's -overlay, absolute; "": none
	LDFlags  []string // values of -ldflags in the order in which the go command sees them
	Mode     string   // -buildmode; "" is the default
	Compiler string   // -compiler; "" is gc
	Shared   bool     // -linkshared
	Cover    bool     // -cover

	// Output is an existing directory for the generated files, the same in each
	// build. What has not changed there is not written again.
	Output string

	Memory *Memory // of the builds before; nil: there is none
}

// An Adoption is how to build a program that is adopted.
type Adoption struct {
	// Flags are for `go build`, after all others.
	Flags []string
	// File is where the go command will see the generated file, in Dir. Where files
	// of the program are named instead of a package, it must be named with them.
	File string
}

// A RefusedError says why a program can't be adopted. It is built and runs without.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

func refused(format string, args ...any) error {
	return &RefusedError{fmt.Sprintf(format, args...)}
}

// FileName sorts before the files of the user, since variables are made in the order of
// files: a listener may be among them.
const FileName = "0" + packageName + ".go"

// packageName is that of the package that the file imports, in a directory below Dir.
const packageName = "hotstart_adopt"

const overlayName = "overlay.json"

const workerPath = "github.com/hotstart/hotstart/starter/worker"

// Adopt writes the generated file and the overlay. The error is a *RefusedError unless
// files can't be written.
func (b Build) Adopt() (*Adoption, error) {
	if err := b.acceptable(); err != nil {
		return nil, err
	}
	files, err := b.generate()
	if err != nil {
		return nil, err
	}
	overlay, err := b.overlay(files)
	if err != nil {
		return nil, err
	}
	for name, content := range files {
		if err := write(filepath.Join(b.Output, filepath.Base(name)), content); err != nil {
			return nil, err
		}
	}
	if err := write(filepath.Join(b.Output, overlayName), overlay); err != nil {
		return nil, err
	}
	a := &Adoption{File: filepath.Join(b.Dir, FileName)}
	a.Flags = append([]string{"-overlay=" + filepath.Join(b.Output, overlayName)}, b.linkerFlags()...)
	return a, nil
}

// acceptable returns an error for a build that can't be adopted for what it is.
func (b Build) acceptable() error {
	switch {
	case b.Dir == "":
		return refused("the directory of package main is not known")
	case b.GOMODCACHE != "" && strings.HasPrefix(b.Dir, b.GOMODCACHE+"/"):
		return refused("the go command does not allow added files in the module cache")
	case b.imports(workerPath):
		return refused("it imports starter/worker, which does the same")
	case b.Compiler != "" && b.Compiler != "gc":
		return refused("-compiler=%s does not have the hooks", b.Compiler)
	case b.Shared:
		return refused("-linkshared uses the standard library without changes")
	case b.Cover:
		return refused("-cover does not see files of an overlay")
	case !slices.Contains([]string{"", "default", "exe", "pie"}, b.Mode):
		return refused("-buildmode=%s does not build a program", b.Mode)
	case !strings.HasPrefix(b.GOROOT, "/"):
		return refused("GOROOT is not known")
	}
	for _, value := range b.LDFlags {
		if strings.Contains(value, "-checklinkname") && !strings.Contains(value, "-checklinkname=0") && !strings.Contains(value, "-checklinkname=false") {
			return refused("-ldflags=%s forbids it", value)
		}
	}
	return nil
}

// files returns what is added to Dir, by name.
func (b Build) files() (map[string][]byte, error) {
	if b.Path == "" {
		source, err := b.source("main")
		return map[string][]byte{FileName: source}, err
	}
	source, err := b.source(packageName)
	return map[string][]byte{
		FileName: []byte(generated + "package main\n\nimport _ " + strconv.Quote(b.Path+"/"+packageName) + "\n"),
		filepath.Join(packageName, packageName+".go"): source,
	}, err
}

// overlay returns the user's overlay with these files more.
func (b Build) overlay(files map[string][]byte) ([]byte, error) {
	all := struct{ Replace map[string]string }{map[string]string{}}
	if b.Overlay != "" {
		data, err := os.ReadFile(b.Overlay)
		if err == nil {
			err = json.Unmarshal(data, &all)
		}
		if err != nil {
			return nil, refused("the -overlay of the build can't be read: %v", err)
		}
	}
	for name := range files {
		file := filepath.Join(b.Dir, name)
		_, taken := all.Replace[file]
		if _, err := os.Lstat(file); taken || !errors.Is(err, fs.ErrNotExist) {
			return nil, refused("the file %s already exists", file)
		}
		all.Replace[file] = filepath.Join(b.Output, filepath.Base(name))
	}
	return json.MarshalIndent(all, "", "\t")
}

// linkerFlags repeats the user's -ldflags, each with what lets go:linkname through: the
// go command takes, for each package, the last one whose pattern fits, so that the copies
// win where their originals would have.
func (b Build) linkerFlags() (flags []string) {
	if v := language(b.GOVERSION); v != "" && version.Compare(v, "go1.23") < 0 {
		return nil // nothing was checked then, and the flag is unknown
	}
	for _, value := range append([]string{""}, b.LDFlags...) {
		flags = append(flags, "-ldflags="+strings.TrimSpace(value+" -checklinkname=0"))
	}
	return flags
}

// language is the version of GOVERSION without what a vendor has added, "" if unknown.
func language(goversion string) string {
	v, _, _ := strings.Cut(goversion, " ")
	v, _, _ = strings.Cut(v, "-")
	return version.Lang(v)
}

// write writes a file if it has other content, so that it can be read at any time.
func write(name string, content []byte) error {
	old, err := os.ReadFile(name)
	if err == nil && bytes.Equal(old, content) {
		return nil
	}
	next := name + "." + strconv.Itoa(os.Getpid())
	if err := os.WriteFile(next, content, 0o666); err != nil {
		return fmt.Errorf("writing the file that adopts: %w", err)
	}
	if err := os.Rename(next, name); err != nil {
		return fmt.Errorf("writing the file that adopts: %w", err)
	}
	return nil
}

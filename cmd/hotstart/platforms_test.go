package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// platforms are the platforms of the README and .goreleaser.yaml, and one of each
// other kind of machine that Linux runs on.
var platforms = []string{
	"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "freebsd/amd64", "freebsd/arm64",
	"openbsd/amd64", "netbsd/amd64",
	"linux/386", "linux/arm", "linux/mips64le", "linux/ppc64le", "linux/riscv64", "linux/s390x",
}

// released reads a list of .goreleaser.yaml.
func released(t *testing.T, key string) []string {
	t.Helper()
	text, err := os.ReadFile("../../.goreleaser.yaml")
	list := regexp.MustCompile(key + `: \[(.*)\]`).FindStringSubmatch(string(text))
	if err != nil || list == nil {
		t.Fatalf("no %s in .goreleaser.yaml: %v", key, err)
	}
	return strings.Split(list[1], ", ")
}

// Every platform is only type checked, from the source of all its packages, because
// compiling the standard library for each would take minutes.
func TestPlatformsCompile(t *testing.T) {
	t.Parallel()
	if os.Getenv("HOTSTART_LONG") == "" {
		t.Skip("takes long: set HOTSTART_LONG")
	}
	for _, goos := range released(t, "goos") {
		for _, goarch := range released(t, "goarch") {
			if !slices.Contains(platforms, goos+"/"+goarch) {
				t.Errorf("%s/%s is released and not checked here", goos, goarch)
			}
		}
	}
	files := &goFiles{fset: token.NewFileSet(), parsed: map[string]*ast.File{}}
	for _, platform := range platforms {
		for _, err := range files.check(t, platform) {
			t.Errorf("%s: %v", platform, err)
		}
	}
}

// A listedPackage is the part of go list's output that the test needs.
type listedPackage struct {
	Dir, ImportPath string
	GoFiles         []string
	ImportMap       map[string]string
	Module          *struct{ Main bool }
}

// goFiles caches parsed source files for all platforms.
type goFiles struct {
	fset   *token.FileSet
	parsed map[string]*ast.File
}

// check returns the type errors of this module's packages.
func (s *goFiles) check(t *testing.T, platform string) (errs []error) {
	goos, goarch, _ := strings.Cut(platform, "/")
	cmd := exec.Command("go", "list", "-deps", "-json=Dir,ImportPath,GoFiles,ImportMap,Module", "../../...")
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: go list: %v", platform, err)
	}
	known := map[string]*types.Package{"unsafe": types.Unsafe}
	for list := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		if err := list.Decode(&p); err == io.EOF {
			return errs
		} else if err != nil {
			t.Fatal(err)
		}
		if p.ImportPath == "unsafe" {
			continue
		}
		ours := p.Module != nil && p.Module.Main
		conf := types.Config{
			IgnoreFuncBodies: !ours,
			Sizes:            types.SizesFor("gc", goarch),
			Importer:         imports{p.ImportMap, known},
			Error: func(err error) {
				if ours {
					errs = append(errs, err)
				}
			},
		}
		known[p.ImportPath], _ = conf.Check(p.ImportPath, s.fset, s.files(t, p), nil)
	}
}

func (s *goFiles) files(t *testing.T, p listedPackage) (files []*ast.File) {
	for _, name := range p.GoFiles {
		path := filepath.Join(p.Dir, name)
		f := s.parsed[path]
		if f == nil {
			var err error
			if f, err = parser.ParseFile(s.fset, path, nil, parser.SkipObjectResolution); err != nil {
				t.Fatal(err)
			}
			s.parsed[path] = f
		}
		files = append(files, f)
	}
	return files
}

// imports returns packages that are already checked.
type imports struct {
	renamed map[string]string
	known   map[string]*types.Package
}

func (i imports) Import(path string) (*types.Package, error) {
	if to := i.renamed[path]; to != "" {
		path = to
	}
	if p := i.known[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%s is not listed", path)
}

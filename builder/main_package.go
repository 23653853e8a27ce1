package builder

import (
	"errors"
	"fmt"
	"go/build"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hotstart/hotstart/builder/internal/gotool"
	"github.com/hotstart/hotstart/builder/internal/graph"
	"github.com/hotstart/hotstart/builder/internal/paths"
)

// ChoiceError means that there are several programs to choose from.
type ChoiceError struct {
	Mains []string // their packages, as patterns, for example "./cmd/a"
}

func (e *ChoiceError) Error() string {
	return "several main packages: " + strings.Join(e.Mains, ", ")
}

// Hint returns a command for each of the programs, one a line.
func (e *ChoiceError) Hint() string { return watchLines(e.Mains) }

// NotMainError means that a package is a library, which can't be run.
type NotMainError struct {
	Package string   // as the user named it
	Name    string   // in its package clause; "" if unknown
	Mains   []string // the main packages of the module, as patterns; may be empty
}

func (e *NotMainError) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("package %q is a library, not a program", e.Package)
	}
	return fmt.Sprintf("package %s (%q) is a library, not a program", e.Name, e.Package)
}

// Hint returns a command for each of the module's programs, one a line; "" if it has none.
func (e *NotMainError) Hint() string { return watchLines(e.Mains) }

func watchLines(mains []string) string {
	lines := make([]string, len(mains))
	for i, main := range mains {
		lines[i] = "hotstart watch " + main
	}
	return strings.Join(lines, "\n")
}

// choosePackage chooses the package to build, and a name for the program. It refuses only what
// is certainly not a program. In doubt, the go command will report what is wrong.
func (b *Builder) choosePackage() (err error) {
	p := b.project
	packages := p.Packages
	if !p.NamesFiles() {
		if err := b.inModule(packages); err != nil {
			return err
		}
	}
	switch {
	case p.NamesFiles():
		err = b.checkFiles(packages)
	case len(packages) == 0:
		packages, err = b.findMain()
	case len(packages) > 1:
		err = usageErrorf("want one package, not several: %q", packages)
	case strings.HasPrefix(packages[0], "-"):
		err = usageErrorf("%q is not a package", packages[0])
	case paths.IsLocal(packages[0]) && path.Base(packages[0]) == "...":
		packages, err = b.onlyMain(p.Absolute(path.Dir(packages[0])))
	default:
		packages, err = b.checkPackage(packages[0])
	}
	if err != nil {
		return err
	}
	p.Packages, b.name = packages, programName(packages[0], p.Dir)
	return nil
}

// inModule returns an error if the go command finds no module from Dir.
func (b *Builder) inModule(packages []string) error {
	p := b.project
	switch {
	case p.Env.HasModule() || p.Env.HasWorkspace():
		return nil
	case p.Env.GOMOD == "":
		return gotool.WithHint("go env -u GO111MODULE; unset GO111MODULE", "modules are switched off by GO111MODULE")
	case len(packages) == 1 && paths.IsLocal(packages[0]):
		dir := p.Absolute(packages[0])
		if root := moduleAbove(dir); root != "" {
			return gotool.WithHint(fmt.Sprintf("cd %s && hotstart watch %s", pattern(p.Dir, root), pattern(root, dir)),
				"package %q is in the module of another directory", packages[0])
		}
	}
	return gotool.WithHint("go mod init example.com/"+programName(".", p.Dir), "no go.mod in %s or above it", p.Dir)
}

// moduleAbove returns the root of the module that contains dir, or "".
func moduleAbove(dir string) string {
	for ; !paths.IsFile(filepath.Join(dir, "go.mod")); dir = filepath.Dir(dir) {
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
	return dir
}

func (b *Builder) checkFiles(files []string) error {
	for _, file := range files {
		if !strings.HasSuffix(file, ".go") {
			return usageErrorf("want either .go files or one package: %q is not a .go file", file)
		}
		if _, err := os.Stat(b.project.Absolute(file)); err != nil {
			return fmt.Errorf("finding the file %q: %w", file, errors.Unwrap(err))
		}
	}
	return nil
}

// findMain finds the program if the user has not named one.
func (b *Builder) findMain() ([]string, error) {
	context := b.buildContext()
	if packageName(context, b.project.Dir) == "main" {
		return []string{"."}, nil
	}
	found, err := b.onlyMain(b.project.Absolute("cmd"))
	if choice := new(ChoiceError); err != nil && !errors.As(err, &choice) && isBroken(context, b.project.Dir) {
		return []string{"."}, nil
	}
	return found, err
}

// onlyMain returns the only main package in or below dir.
func (b *Builder) onlyMain(dir string) ([]string, error) {
	mains := b.mains(dir)
	switch len(mains) {
	case 0:
		hint := watchLines(b.allMains())
		if hint == "" {
			hint = "hotstart watch ./path/to/main"
		}
		return nil, gotool.WithHint(hint, "no main package in %s nor below %s", b.project.Dir, pattern(b.project.Dir, dir))
	case 1:
		return mains, nil
	}
	return nil, &ChoiceError{mains}
}

// checkPackage checks the one package that the user named. It adds "./" to the name of a
// directory that would be taken for an import path.
func (b *Builder) checkPackage(name string) ([]string, error) {
	dir := b.project.Absolute(name)
	if !paths.IsLocal(name) {
		switch inModule := b.modules().PackageDir(name); {
		case inModule != "":
			dir = inModule
		case paths.IsDir(dir): // also cmd/api: Go itself has such a package, but users do not build it
			name = pattern(b.project.Dir, dir)
		default:
			return []string{name}, nil
		}
	}
	if _, err := os.Stat(dir); paths.IsLocal(name) && errors.Is(err, fs.ErrNotExist) {
		return nil, gotool.WithHint(watchLines(b.allMains()), "package %q: no directory %s", name, dir)
	}
	switch found := packageName(b.buildContext(), dir); found {
	case "", "main":
		return []string{name}, nil
	default:
		return nil, &NotMainError{Package: name, Name: found, Mains: b.allMains()}
	}
}

func (b *Builder) buildContext() *build.Context {
	context := b.project.Env.BuildContext(b.project.Flags)
	return &context
}

// packageName returns the name of the package in dir, or "" if that is not certain.
func packageName(context *build.Context, dir string) string {
	p, err := context.ImportDir(dir, 0)
	if err != nil && p.Name != "main" {
		return ""
	}
	return p.Name
}

// isBroken reports whether dir has Go files that are not a package, perhaps because of a syntax
// error.
func isBroken(context *build.Context, dir string) bool {
	_, err := context.ImportDir(dir, 0)
	noGo := new(build.NoGoError)
	return err != nil && !errors.As(err, &noGo)
}

func (b *Builder) modules() graph.Modules { return graph.FindModules(b.project, b.project.Env) }

// allMains returns the main packages of all modules of the user.
func (b *Builder) allMains() (mains []string) {
	for _, module := range b.modules().Main {
		mains = append(mains, b.mains(module.Dir)...)
	}
	slices.Sort(mains)
	return slices.Compact(mains)
}

// mains returns the main packages in and below root, as patterns relative to Dir.
func (b *Builder) mains(root string) (mains []string) {
	context := b.buildContext()
	_ = filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return nil // an unreadable directory is skipped
		case dir != root && (graph.IgnoredName(d.Name()) || d.Name() == "vendor" || paths.IsFile(filepath.Join(dir, "go.mod"))):
			return fs.SkipDir
		case packageName(context, dir) == "main":
			mains = append(mains, pattern(b.project.Dir, dir))
		}
		return nil
	})
	return mains
}

// pattern returns the package pattern for a directory, for example "./cmd/api".
func pattern(from, dir string) string {
	rel, err := filepath.Rel(from, dir)
	switch {
	case err != nil:
		return dir
	case paths.IsLocal(rel):
		return rel
	}
	return "./" + rel
}

// programName returns the last element of a package's path or directory, for the name of the binary.
func programName(name, dir string) string {
	if paths.IsLocal(name) {
		name = filepath.ToSlash(paths.Absolute(dir, name))
	}
	base := strings.TrimSuffix(path.Base(name), ".go")
	if base == "/" || base == "" {
		return "program"
	}
	return base
}

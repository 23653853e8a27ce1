package builder

import (
	"errors"
	"fmt"
	"go/build"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ChoiceError says that there are several programs to choose from.
type ChoiceError struct {
	Mains []string // their packages, as patterns: "./cmd/a"
}

func (e *ChoiceError) Error() string {
	return "several main packages: " + strings.Join(e.Mains, ", ")
}

// Hint returns a command for each of the programs, one a line.
func (e *ChoiceError) Hint() string { return watchLines(e.Mains) }

// NotMainError says that a package is a library, which can't be run.
type NotMainError struct {
	Package string   // as the user named it
	Name    string   // of its package clause; "" if unknown
	Mains   []string // the module's main packages, as patterns; may be empty
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

// settle chooses what to build and a name for it. It refuses only what surely is no
// program; in doubt the go command says itself what is wrong.
func (b *Builder) settle(packages []string) (err error) {
	files := len(packages) > 0 && strings.HasSuffix(packages[0], ".go")
	if !files {
		if err := b.inModule(packages); err != nil {
			return err
		}
	}
	switch {
	case files:
		err = b.checkFiles(packages)
	case len(packages) == 0:
		packages, err = b.findMain()
	case len(packages) > 1:
		err = misused("want one package, not several: %q", packages)
	case strings.HasPrefix(packages[0], "-"):
		err = misused("%q is not a package", packages[0])
	case isLocal(packages[0]) && path.Base(packages[0]) == "...":
		packages, err = b.onlyMain(b.absolute(path.Dir(packages[0])))
	default:
		packages, err = b.checkPackage(packages[0])
	}
	b.packages = packages
	if err == nil {
		b.name = programName(packages[0], b.command.dir)
	}
	return err
}

func (b *Builder) absolute(path string) string { return absolute(b.command.dir, path) }

// inModule returns an error if the go command would find no module from Dir.
func (b *Builder) inModule(packages []string) error {
	dir := b.command.dir
	switch {
	case b.env.hasModule() || b.env.hasWorkspace():
		return nil
	case b.env.GOMOD == "":
		return &hinted{"modules are switched off by GO111MODULE", "go env -u GO111MODULE; unset GO111MODULE"}
	case len(packages) == 1 && isLocal(packages[0]):
		if root := moduleAbove(b.absolute(packages[0])); root != "" {
			return &hinted{
				fmt.Sprintf("package %q is in the module of another directory", packages[0]),
				fmt.Sprintf("cd %s && hotstart watch %s", pattern(dir, root), pattern(root, b.absolute(packages[0]))),
			}
		}
	}
	return &hinted{
		fmt.Sprintf("no go.mod in %s or above it", dir),
		"go mod init example.com/" + programName(".", dir),
	}
}

// moduleAbove returns the root of the module that dir is in, "" if there is none.
func moduleAbove(dir string) string {
	for ; !isFile(filepath.Join(dir, "go.mod")); dir = filepath.Dir(dir) {
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
	return dir
}

func (b *Builder) checkFiles(files []string) error {
	if _, ok := b.flags.value("overlay"); ok {
		return nil // they may exist only there
	}
	for _, file := range files {
		if !strings.HasSuffix(file, ".go") {
			return misused("want either .go files or one package: %q is not a .go file", file)
		}
		if _, err := os.Stat(b.absolute(file)); err != nil {
			return fmt.Errorf("finding the file %q: %w", file, errors.Unwrap(err))
		}
	}
	return nil
}

// findMain finds the program where nothing was named.
func (b *Builder) findMain() ([]string, error) {
	context := b.env.context(b.flags)
	if packageName(&context, b.command.dir) == "main" {
		return []string{"."}, nil
	}
	found, err := b.onlyMain(b.absolute("cmd"))
	if choice := new(ChoiceError); err != nil && !errors.As(err, &choice) && unclear(&context, b.command.dir) {
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
		return nil, &hinted{fmt.Sprintf("no main package in %s nor below %s", b.command.dir, pattern(b.command.dir, dir)), hint}
	case 1:
		return mains, nil
	}
	return nil, &ChoiceError{mains}
}

// checkPackage checks the one package that the user named, and adds "./" where it is a
// directory but would be taken for an import path.
func (b *Builder) checkPackage(name string) ([]string, error) {
	dir := b.absolute(name)
	if !isLocal(name) {
		switch inModule := b.modules().packageDir(name); {
		case inModule != "":
			dir = inModule
		case isDir(dir): // also cmd/api, of which Go has one: nobody means that
			name = pattern(b.command.dir, dir)
		default:
			return []string{name}, nil
		}
	}
	if _, ok := b.flags.value("overlay"); ok {
		return []string{name}, nil // its files may be others than those on the disk
	}
	if _, err := os.Stat(dir); isLocal(name) && errors.Is(err, fs.ErrNotExist) {
		return nil, &hinted{fmt.Sprintf("package %q: no directory %s", name, dir), watchLines(b.allMains())}
	}
	context := b.env.context(b.flags)
	switch found := packageName(&context, dir); found {
	case "", "main":
		return []string{name}, nil
	default:
		return nil, &NotMainError{Package: name, Name: found, Mains: b.allMains()}
	}
}

// packageName returns the name of the package in dir, "" if it can't be told for sure.
func packageName(context *build.Context, dir string) string {
	p, err := context.ImportDir(dir, 0)
	if err != nil && p.Name != "main" {
		return ""
	}
	return p.Name
}

// unclear reports whether there are Go files in dir that do not make a package, perhaps
// for a slip in one of them.
func unclear(context *build.Context, dir string) bool {
	_, err := context.ImportDir(dir, 0)
	none := new(build.NoGoError)
	return err != nil && !errors.As(err, &none)
}

func (b *Builder) modules() modules { return findModules(b.command.dir, b.env, b.flags) }

// allMains returns the main packages of all modules of the user.
func (b *Builder) allMains() (mains []string) {
	for _, module := range b.modules().main {
		mains = append(mains, b.mains(module.dir)...)
	}
	slices.Sort(mains)
	return slices.Compact(mains)
}

// mains returns the main packages in and below root, as patterns from Dir.
func (b *Builder) mains(root string) (mains []string) {
	context := b.env.context(b.flags)
	_ = filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return nil // what can't be read can't be named
		case dir != root && (neverCounts(d.Name()) || d.Name() == "vendor" || isFile(filepath.Join(dir, "go.mod"))):
			return fs.SkipDir
		case packageName(&context, dir) == "main":
			mains = append(mains, pattern(b.command.dir, dir))
		}
		return nil
	})
	return mains
}

// pattern returns the package pattern for a directory: "./cmd/api".
func pattern(from, dir string) string {
	rel, err := filepath.Rel(from, dir)
	switch {
	case err != nil:
		return dir
	case isLocal(rel):
		return rel
	}
	return "./" + rel
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// programName names the file to build, as the go command would.
func programName(name, dir string) string {
	if isLocal(name) {
		name = filepath.ToSlash(absolute(dir, name))
	}
	base := path.Base(name)
	if majorVersion.MatchString(base) && path.Dir(name) != "." && path.Dir(name) != "/" {
		base = path.Base(path.Dir(name))
	}
	if base = strings.TrimSuffix(base, ".go"); base == "/" || base == "." || base == "" {
		return "program"
	}
	return base
}

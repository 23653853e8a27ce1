package graph

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hotstart/hotstart/builder/internal/gotool"
	"github.com/hotstart/hotstart/builder/internal/paths"
)

// Modules are the modules whose code the user may change: the main or workspace modules, and
// modules that a replace directive takes from a directory.
type Modules struct {
	Main []Module

	replaced   []Module
	files      []string // go.mod, go.sum, …, existing or not
	workspaces []string // go.work files that would take effect if they appeared
}

// Module is a module in a directory.
type Module struct {
	Path string // import path; "" if unknown
	Dir  string // absolute
}

// FindModules finds the modules of a project in an environment, which may be newer than the
// project's. It reads go.work and go.mod itself, since the modules must be known just when the
// go command can't read these files.
func FindModules(p *gotool.Project, env gotool.Env) (m Modules) {
	if env.HasWorkspace() {
		root := filepath.Dir(env.GOWORK)
		work := readModFile(env.GOWORK)
		m.replaced = work.replacedIn(root)
		m.files = append(m.files, env.GOWORK, env.GOWORK+".sum", filepath.Join(root, "vendor", "modules.txt"))
		for _, use := range work.uses {
			m.add(paths.Absolute(root, use), "")
		}
	} else if env.HasModule() {
		modfile, ok := p.Flags.Value("modfile")
		if ok {
			modfile = p.Absolute(modfile)
		}
		m.add(filepath.Dir(env.GOMOD), modfile)
	}
	for above := p.Dir; env.GOWORK != "off" && above != filepath.Dir(env.GOWORK); above = filepath.Dir(above) {
		m.workspaces = append(m.workspaces, filepath.Join(above, "go.work"))
		if above == filepath.Dir(above) {
			break
		}
	}
	for _, module := range m.replaced {
		m.files = append(m.files, filepath.Join(module.Dir, "go.mod"), filepath.Join(module.Dir, "go.sum"))
	}
	return m
}

// add adds the main module in dir. modfile is the file that -modfile names instead of its
// go.mod, or "".
func (m *Modules) add(dir, modfile string) {
	file, sum := filepath.Join(dir, "go.mod"), filepath.Join(dir, "go.sum")
	m.files = append(m.files, file)
	if modfile != "" {
		file, sum = modfile, strings.TrimSuffix(modfile, ".mod")+".sum"
		m.files = append(m.files, file)
	}
	m.files = append(m.files, sum, filepath.Join(dir, "vendor", "modules.txt"))
	content := readModFile(file)
	m.Main = append(m.Main, Module{content.module, dir})
	m.replaced = append(m.replaced, content.replacedIn(dir)...)
}

// dirs returns the root directories, sorted. Some may be missing.
func (m Modules) dirs() (dirs []string) {
	for _, module := range slices.Concat(m.Main, m.replaced) {
		dirs = append(dirs, module.Dir)
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// PackageDir returns the directory that a package must have by its import path. The directory may
// be missing. It is "" if no module can contain the package.
func (m Modules) PackageDir(importPath string) (dir string) {
	longest := -1
	for _, module := range slices.Concat(m.Main, m.replaced) {
		rest, ok := strings.CutPrefix(importPath+"/", module.Path+"/")
		if ok && module.Path != "" && len(module.Path) > longest {
			longest, dir = len(module.Path), filepath.Join(module.Dir, filepath.FromSlash(rest))
		}
	}
	return dir
}

// modFile is the relevant content of a go.mod or go.work file.
type modFile struct {
	module   string
	uses     []string
	replaced []Module // by directories, which may be relative
}

// readModFile reads as much as it can of a file that may be missing or broken.
func readModFile(name string) (f modFile) {
	content, _ := os.ReadFile(name)
	block := ""
	for line := range strings.Lines(string(content)) {
		words := modWords(line)
		switch {
		case len(words) == 0:
		case words[0] == ")":
			block = ""
		case block != "":
			f.directive(block, words)
		case words[len(words)-1] == "(":
			block = words[0]
		default:
			f.directive(words[0], words[1:])
		}
	}
	return f
}

func (f *modFile) directive(verb string, args []string) {
	if len(args) == 0 {
		return
	}
	switch verb {
	case "module":
		f.module = args[0]
	case "use":
		f.uses = append(f.uses, args[0])
	case "replace": // old [version] => ../new
		last := args[len(args)-1]
		if len(args) >= 3 && args[len(args)-2] == "=>" && paths.IsLocal(last) {
			f.replaced = append(f.replaced, Module{args[0], last})
		}
	}
}

// replacedIn returns the modules that are replaced by directories. dir is the directory of the
// file.
func (f modFile) replacedIn(dir string) (modules []Module) {
	for _, m := range f.replaced {
		modules = append(modules, Module{m.Path, paths.Absolute(dir, m.Dir)})
	}
	return modules
}

// modWords splits a line of go.mod into words, which may be quoted, up to a comment.
func modWords(line string) (words []string) {
	for {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "//") {
			return words
		}
		if quoted, err := strconv.QuotedPrefix(line); err == nil && line[0] != '\'' {
			word, _ := strconv.Unquote(quoted)
			words, line = append(words, word), line[len(quoted):]
			continue
		}
		end := strings.IndexAny(line+" ", " \t")
		words, line = append(words, line[:end]), line[end:]
	}
}

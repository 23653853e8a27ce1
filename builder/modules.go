package builder

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// modules says where the code lies that the user may change: the main or workspace
// modules, and those that a replace directive takes from a directory.
type modules struct {
	main     []module
	replaced []module
	files    []string // go.mod and the like, those that may yet appear too

	workspaces []string // go.work files that would come into force if they appeared
}

type module struct {
	path string // import path of its root; "" if unknown
	dir  string // absolute
}

// findModules reads go.work and go.mod by itself, since it must know the modules just
// when the go command can't read them.
//
// A relative -modfile begins in dir, where the go command runs.
func findModules(dir string, env goEnv, flags buildFlags) (m modules) {
	if env.hasWorkspace() {
		root := filepath.Dir(env.GOWORK)
		work := readModFile(env.GOWORK)
		m.replaced = work.local(root)
		m.files = append(m.files, env.GOWORK, env.GOWORK+".sum", filepath.Join(root, "vendor", "modules.txt"))
		for _, use := range work.uses {
			m.add(absolute(root, use), "")
		}
	} else if env.hasModule() {
		modfile, ok := flags.value("modfile")
		if ok {
			modfile = absolute(dir, modfile)
		}
		m.add(filepath.Dir(env.GOMOD), modfile)
	}
	for above := dir; env.GOWORK != "off" && above != filepath.Dir(env.GOWORK); above = filepath.Dir(above) {
		m.workspaces = append(m.workspaces, filepath.Join(above, "go.work"))
		if above == filepath.Dir(above) {
			break
		}
	}
	for _, module := range m.replaced {
		m.files = append(m.files, filepath.Join(module.dir, "go.mod"), filepath.Join(module.dir, "go.sum"))
	}
	return m
}

// add adds the main module in dir; modfile is what -modfile names in place of its go.mod.
func (m *modules) add(dir, modfile string) {
	file, sum := filepath.Join(dir, "go.mod"), filepath.Join(dir, "go.sum")
	m.files = append(m.files, file)
	if modfile != "" {
		file, sum = modfile, strings.TrimSuffix(modfile, ".mod")+".sum"
		m.files = append(m.files, file)
	}
	m.files = append(m.files, sum, filepath.Join(dir, "vendor", "modules.txt"))
	content := readModFile(file)
	m.main = append(m.main, module{content.module, dir})
	m.replaced = append(m.replaced, content.local(dir)...)
}

// all returns the main modules, then the others.
func (m modules) all() []module {
	return append(m.main[:len(m.main):len(m.main)], m.replaced...)
}

// dirs returns the root directories, sorted. Some may be missing.
func (m modules) dirs() (dirs []string) {
	for _, module := range m.all() {
		dirs = append(dirs, module.dir)
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// packageDir returns the directory that a package would be in by its import path, or ""
// if none of the modules can contain it.
func (m modules) packageDir(importPath string) (dir string) {
	longest := -1
	for _, module := range m.all() {
		rest, ok := strings.CutPrefix(importPath+"/", module.path+"/")
		if ok && module.path != "" && len(module.path) > longest {
			longest, dir = len(module.path), filepath.Join(module.dir, filepath.FromSlash(rest))
		}
	}
	return dir
}

// modFile is the little that matters here of a go.mod or go.work file.
type modFile struct {
	module   string
	uses     []string
	replaced []module // by directories; relative ones as written
}

// readModFile reads what it can: a file that is missing or broken has less to say.
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
		if len(args) >= 3 && args[len(args)-2] == "=>" && isLocal(last) {
			f.replaced = append(f.replaced, module{args[0], last})
		}
	}
}

// local returns the modules that are replaced by directories, which are relative to dir.
func (f modFile) local(dir string) (modules []module) {
	for _, m := range f.replaced {
		modules = append(modules, module{m.path, absolute(dir, m.dir)})
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

// isLocal reports whether the go command takes a path for a directory and not for an
// import path.
func isLocal(path string) bool {
	return path == "." || path == ".." || strings.HasPrefix(path, "./") || strings.HasPrefix(path, "../") || filepath.IsAbs(path)
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

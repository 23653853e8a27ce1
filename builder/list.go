package builder

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// listed is a package as `go list` describes it.
type listed struct {
	ImportPath, Dir   string
	Standard, DepOnly bool
	files             []string // of all kinds, those that are embedded too
	embeds            []string // patterns
	cflags            []string // of the C preprocessor and compilers
	err               error
}

// listFormat has go list quote all names: one that is not UTF-8 is changed by its JSON.
var listFormat = func() string {
	format := `package {{printf "%t %t %q %q" .Standard .DepOnly .ImportPath .Dir}}`
	for _, field := range []string{"GoFiles", "CgoFiles", "InvalidGoFiles", "CFiles", "CXXFiles", "MFiles", "HFiles", "FFiles",
		"SFiles", "SwigFiles", "SwigCXXFiles", "SysoFiles", "EmbedFiles"} {
		format += `{{range .` + field + `}}{{printf "\nfile %q" .}}{{end}}`
	}
	for _, field := range []string{"CgoCPPFLAGS", "CgoCFLAGS", "CgoCXXFLAGS"} {
		format += `{{range .` + field + `}}{{printf "\ncflag %q" .}}{{end}}`
	}
	return format + `{{range .EmbedPatterns}}{{printf "\nembed %q" .}}{{end}}{{with .Error}}{{printf "\nerror %q %q" .Pos .Err}}{{end}}`
}()

// List returns the files that the build reads. Where the go command can't say them all,
// the graph has what is known, and Err and Trees are set. An error is returned only if
// ctx is done or there is no go command any more.
func (b *Builder) List(ctx context.Context) (*Graph, error) {
	start := time.Now()
	env, err := b.command.environment(ctx) // a go.work may have come since New
	if err != nil {
		err = fmt.Errorf("listing the files of %s: %w", b.Package(), err)
		if ctx.Err() == nil && !isDir(b.command.dir) { // it may come back
			return b.graph(b.env, nil, err, start), nil
		}
		return nil, err
	}
	packages, stderr, decoding, err := b.listed(ctx)
	if displaced(packages) { // renamed and put back meanwhile: once more
		packages, stderr, decoding, err = b.listed(ctx)
	}
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("listing the files of %s: %w", b.Package(), err)
	}
	if cause := cmp.Or(withOutput(err, stderr), decoding, firstError(packages)); cause != nil {
		err = fmt.Errorf("listing the files of %s: %w", b.Package(), cause)
	}
	if err == nil {
		b.adoption.listed(packages)
	}
	g := b.graph(env, packages, err, start)
	b.includes.know(g)
	b.shortcut.listed(g)
	b.accept()
	return g, nil
}

// listed runs the go command once.
func (b *Builder) listed(ctx context.Context) (packages []*listed, stderr string, decoding, err error) {
	stdout, stderr, err := b.command.run(ctx, b.listArgs()...)
	packages, decoding = decode(stdout)
	return packages, stderr, decoding, err
}

// displaced reports whether the program is where there is no directory any more.
func displaced(packages []*listed) bool {
	return slices.ContainsFunc(packages, func(p *listed) bool { return !p.DepOnly && p.Dir != "" && !isDir(p.Dir) })
}

// listArgs puts our flags last: neither a profile nor the stamp changes the list.
func (b *Builder) listArgs() []string {
	args := append([]string{"list", "-e", "-deps"}, b.user...)
	args = append(args, "-pgo=off", "-buildvcs=false", "-f", listFormat)
	return append(args, b.packages...)
}

// decode reads what go list printed in its format.
func decode(stdout string) (packages []*listed, err error) {
	var p *listed
	for line := range strings.Lines(stdout) {
		verb, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if verb == "package" {
			p = new(listed)
			packages = append(packages, p)
			var n int
			if n, err = fmt.Sscanf(rest, "%t %t %q %q", &p.Standard, &p.DepOnly, &p.ImportPath, &p.Dir); n < 4 {
				return packages, fmt.Errorf("reading the output of go list: %q: %w", line, err)
			}
			continue
		}
		var name, message string
		n, err := fmt.Sscanf(rest, "%q %q", &name, &message)
		switch {
		case p != nil && verb == "file" && n == 1:
			p.files = append(p.files, name)
		case p != nil && verb == "embed" && n == 1:
			p.embeds = append(p.embeds, name)
		case p != nil && verb == "cflag" && n == 1:
			p.cflags = append(p.cflags, name)
		case p != nil && verb == "error" && n == 2 && name != "":
			p.err = fmt.Errorf("%s: %s", name, message)
		case p != nil && verb == "error" && n == 2:
			p.err = errors.New(message)
		default:
			return packages, fmt.Errorf("reading the output of go list: %q: %w", line, err)
		}
	}
	return packages, nil
}

func firstError(packages []*listed) error {
	for _, p := range packages {
		if p.err != nil {
			return p.err
		}
	}
	return nil
}

// graph makes the graph of packages that were listed from start on, with what kept the
// list from being complete.
func (b *Builder) graph(env goEnv, packages []*listed, err error, start time.Time) *Graph {
	files := b.memory.modFiles(b.env, env)
	if err != nil && !env.hasModule() && !env.hasWorkspace() {
		env.GOMOD, env.GOWORK = b.env.GOMOD, b.env.GOWORK // where they were when New found them
	}
	modules := findModules(b.command.dir, env, b.flags)
	mode, _ := b.flags.value("mod")
	g := &Graph{
		Err:      err,
		files:    map[string]record{},
		packages: map[string]*source{},
		modules:  modules.dirs(),
		context:  env.context(b.flags),
		vendor:   mode == "vendor",

		workspaces: modules.workspaces,
	}
	l := &listing{start.UnixNano(), placing{}, dirSet{}}
	g.addPackages(env, packages, l)
	for _, file := range b.named(g.Root) {
		g.addFile(file, l)
	}
	for _, file := range slices.Concat(modules.files, files, b.overlay()) {
		g.addDescription(file, l)
		l.watch.add(filepath.Dir(file))
	}
	for _, file := range g.workspaces {
		g.addDescription(file, l)
	}
	l.watch.add(b.command.dir)
	l.watch.addAbove(g.modules)
	g.Dirs = l.watch.sorted()
	b.memory.complete(g)
	g.setTrees()
	if len(b.overlay()) > 0 {
		g.Missing = nil // they may exist only there
	}
	return g
}

// listing is what the records of one list have in common.
type listing struct {
	start  int64 // nanoseconds: the go command may have read a file that is younger before
	placed placing
	watch  dirSet
}

// addPackages adds what the user may change of the packages.
func (g *Graph) addPackages(env goEnv, packages []*listed, l *listing) {
	for _, p := range packages {
		if !p.DepOnly && !isLocal(p.ImportPath) {
			g.Root = p.ImportPath
		}
		if !p.Standard && p.Dir != "" && !inside(env.GOROOT, p.Dir) && !inside(env.GOMODCACHE, p.Dir) {
			g.addPackage(p, l)
		}
	}
}

func (g *Graph) addPackage(p *listed, l *listing) {
	s := &source{path: p.ImportPath, dir: p.Dir, fixed: p.ImportPath == "command-line-arguments"}
	l.watch.add(p.Dir)
	for _, pattern := range p.embeds {
		embed := newEmbedPattern(pattern)
		s.embeds = append(s.embeds, embed)
		l.watch.add(embed.dirs(p.Dir)...)
	}
	g.packages[p.Dir] = s
	sources := make([]string, 0, len(p.files))
	for _, file := range p.files {
		sources = append(sources, absolute(p.Dir, file))
	}
	s.includes = findIncludes(p.Dir, sources, p.cflags, g.modules)
	for _, file := range s.includes { // each may include others
		g.addDescription(file, l)
		l.watch.add(filepath.Dir(file))
	}
	for _, file := range p.files {
		name := absolute(p.Dir, file)
		if Passing(name) && !slices.Contains(p.embeds, file) {
			continue
		}
		if !g.addFile(name, l) {
			g.Missing = append(g.Missing, name)
		}
	}
}

// addFile adds a file and, if it is a symbolic link, all that this leads to. It reports
// whether there is such a file.
func (g *Graph) addFile(name string, l *listing) bool {
	r := l.record(name)
	g.files[name] = r
	l.watch.add(filepath.Dir(name))
	for range 40 { // as the kernel
		target, err := os.Readlink(name)
		if err != nil {
			break
		}
		name = absolute(filepath.Dir(name), target)
		g.files[name] = r
		l.watch.add(filepath.Dir(name))
	}
	return exists(name)
}

// addDescription adds a go.mod or the like: each change of it may be one of the graph.
func (g *Graph) addDescription(name string, l *listing) {
	r := l.record(name)
	r.known = false
	g.files[name] = r
}

// record reads a file that the list may have read.
func (l *listing) record(name string) record {
	state := stateOf(name)
	text, ok := header(name)
	// Written since then: the go command may have read it before. The clock of a file
	// system may be some ms behind, but it takes the go command as long to begin.
	settled := max(state.modified, state.changed, l.placed.latest(name)) <= l.start
	return record{text, ok && settled, state, settled}
}

// named returns files that count because the user or a flag named them.
func (b *Builder) named(root string) (files []string) {
	if strings.HasSuffix(b.packages[0], ".go") {
		for _, file := range b.packages {
			files = append(files, b.absolute(file))
		}
	}
	for _, overlay := range b.overlay() {
		files = append(files, b.overlaid(overlay)...)
	}
	switch profile, ok := b.flags.value("pgo"); {
	case ok && profile != "auto" && profile != "off":
		files = append(files, b.absolute(profile))
	case profile == "auto" || !ok && b.debug:
		files = append(files, b.defaultProfile(root))
	}
	return files
}

// overlay returns the file that -overlay names, if there is one.
func (b *Builder) overlay() []string {
	if name, ok := b.flags.value("overlay"); ok {
		return []string{b.absolute(name)}
	}
	return nil
}

// overlaid returns the files that stand for others by an -overlay.
func (b *Builder) overlaid(overlay string) (files []string) {
	var content struct{ Replace map[string]string }
	data, err := os.ReadFile(overlay)
	if err != nil || json.Unmarshal(data, &content) != nil {
		return nil
	}
	for _, file := range content.Replace {
		if file != "" {
			files = append(files, b.absolute(file))
		}
	}
	return files
}

// defaultProfile returns the profile that the build of root takes if it is there.
func (b *Builder) defaultProfile(root string) string {
	name := b.packages[0]
	switch dir := b.modules().packageDir(root); {
	case strings.HasSuffix(name, ".go"):
		name = filepath.Dir(name)
	case !isLocal(name) && dir != "":
		name = dir
	}
	return filepath.Join(b.absolute(name), "default.pgo")
}

// inside reports whether a path is in a directory, or is it.
func inside(dir, path string) bool {
	_, ok := below(dir, path)
	return dir != "" && (ok || dir == path)
}

// dirSet gathers directories to watch.
type dirSet map[string]bool

func (s dirSet) add(dirs ...string) {
	for _, dir := range dirs {
		s[dir] = true
	}
}

// addAbove adds the directories above the others that are in a module, up to the root of the
// repository, or else to the one above the module: one on the way may be replaced by another
// directory or by a link, and a go.work may appear. Where each file of a watched directory
// takes a descriptor (kqueue), it ends with the module.
func (s dirSet) addAbove(modules []string) {
	for _, root := range modules {
		top := root
		if runtime.GOOS == "linux" {
			top = repository(root)
		}
		for dir := range maps.Clone(s) {
			for dir != top && inside(top, dir) {
				if dir = filepath.Dir(dir); unix.Access(dir, unix.R_OK) == nil { // one that is not could only be polled
					s.add(dir)
				}
			}
		}
	}
}

// repository returns the root of the repository that a module is in, or else the directory
// above the module.
func repository(module string) string {
	for dir := module; ; dir = filepath.Dir(dir) {
		for _, name := range []string{".git", ".hg", ".jj", ".svn"} {
			if exists(filepath.Join(dir, name)) {
				return dir
			}
		}
		if dir == filepath.Dir(dir) {
			return filepath.Dir(module)
		}
	}
}

func (s dirSet) sorted() []string {
	dirs := make([]string, 0, len(s))
	for dir := range s {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs
}

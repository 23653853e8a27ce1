package graph

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hotstart/hotstart/builder/internal/gotool"
	"github.com/hotstart/hotstart/builder/internal/paths"
)

// scan looks at the files of one list, and fills a graph with them.
type scan struct {
	*Graph
	start int64     // of the list, in nanoseconds: the go command may have read an older version of a younger file
	moves moveTimes // shared by all files
	watch dirSet    // Graph.Dirs
}

// graph makes the graph of packages from a list that began at start. err is the reason why the
// list is incomplete, or nil.
func (l *Lister) graph(env gotool.Env, packages []*listedPackage, err error, start time.Time) *Graph {
	p := l.project
	modFiles := l.addModFiles(p.Env, env)
	if err != nil && !env.HasModule() && !env.HasWorkspace() {
		env.GOMOD, env.GOWORK = p.Env.GOMOD, p.Env.GOWORK // where they were at first
	}
	modules := FindModules(p, env)
	mode, _ := p.Flags.Value("mod")
	g := &Graph{
		Err:        err,
		Files:      map[string]File{},
		Packages:   map[string]*Package{},
		modules:    modules.dirs(),
		context:    env.BuildContext(p.Flags),
		vendor:     mode == "vendor",
		workspaces: modules.workspaces,
	}
	s := &scan{g, start.UnixNano(), moveTimes{}, dirSet{}}
	s.addPackages(env, packages)
	for _, file := range filesOfFlags(p, modules, g.Root) {
		s.addFile(file)
	}
	for _, file := range slices.Concat(modules.files, modFiles, overlayFlag(p)) {
		s.addOpaque(file)
		s.watch.add(filepath.Dir(file))
	}
	for _, file := range g.workspaces {
		s.addOpaque(file)
	}
	s.watch.add(p.Dir)
	s.watch.addAbove(g.modules)
	g.Dirs = s.watch.sorted()
	l.keep(g)
	g.setTrees()
	if len(overlayFlag(p)) > 0 {
		g.Missing = nil // the files may exist only in the overlay
	}
	return g
}

// addPackages adds the packages that the user may change.
func (s *scan) addPackages(env gotool.Env, packages []*listedPackage) {
	for _, p := range packages {
		if p.depOnly {
			s.Imports = append(s.Imports, p.importPath)
		} else {
			s.MainDir = p.dir
		}
		if !p.depOnly && !paths.IsLocal(p.importPath) {
			s.Root = p.importPath
		}
		if !p.standard && p.dir != "" && !paths.Inside(env.GOROOT, p.dir) && !paths.Inside(env.GOMODCACHE, p.dir) {
			s.addPackage(p)
		}
	}
}

func (s *scan) addPackage(listed *listedPackage) {
	p := &Package{Path: listed.importPath, Dir: listed.dir, named: listed.importPath == namedFiles}
	s.Packages[p.Dir] = p
	s.watch.add(p.Dir)
	for _, pattern := range listed.embeds {
		embed := newEmbedPattern(pattern)
		p.Embeds = append(p.Embeds, embed)
		s.watch.add(embed.dirs(p.Dir)...)
	}
	sources := make([]string, 0, len(listed.files))
	for _, file := range listed.files {
		sources = append(sources, paths.Absolute(p.Dir, file))
	}
	p.includes = findIncludes(p.Dir, sources, listed.cflags, s.modules)
	for _, file := range p.includes { // each may include others
		s.addOpaque(file)
		s.watch.add(filepath.Dir(file))
	}
	for i, name := range sources {
		if IsTemporary(name) && !slices.Contains(listed.embeds, listed.files[i]) {
			continue
		}
		if !s.addFile(name) {
			s.Missing = append(s.Missing, name)
		}
	}
}

// addFile adds a file and, if it is a symbolic link, all files that the link leads to. It
// reports whether the file exists.
func (s *scan) addFile(name string) bool {
	file := s.file(name)
	s.Files[name] = file
	s.watch.add(filepath.Dir(name))
	for range 40 { // the limit of Linux, see path_resolution(7)
		target, err := os.Readlink(name)
		if err != nil {
			break
		}
		name = paths.Absolute(filepath.Dir(name), target)
		s.Files[name] = file
		s.watch.add(filepath.Dir(name))
	}
	return paths.Exists(name)
}

// addOpaque adds a file such as go.mod: each change of it may change the graph.
func (s *scan) addOpaque(name string) {
	file := s.file(name)
	file.known = false
	s.Files[name] = file
}

func (s *scan) file(name string) File {
	state := StateOf(name)
	text, ok := header(name)
	// If the file was written since the list began, the go command may have read it before. The
	// clock of a file system may be some milliseconds slow, but the go command takes as long to
	// begin.
	settled := max(state.modified, state.changed, s.moves.latest(name)) <= s.start
	return File{Header: text, State: state, Settled: settled, known: ok && settled}
}

// filesOfFlags returns the files that the user or a flag named, of a program with this import
// path.
func filesOfFlags(p *gotool.Project, modules Modules, root string) (files []string) {
	if p.NamesFiles() {
		for _, file := range p.Packages {
			files = append(files, p.Absolute(file))
		}
	}
	for _, overlay := range overlayFlag(p) {
		files = append(files, OverlayFiles(p, overlay)...)
	}
	switch profile, ok := p.Flags.Value("pgo"); {
	case ok && profile != "auto" && profile != "off":
		files = append(files, p.Absolute(profile))
	case profile == "auto" || !ok && p.Debug:
		files = append(files, defaultProfile(p, modules, root))
	}
	return files
}

// overlayFlag returns the file that -overlay names, if the flag is set.
func overlayFlag(p *gotool.Project) []string {
	if name, ok := p.Flags.Value("overlay"); ok {
		return []string{p.Absolute(name)}
	}
	return nil
}

// OverlayFiles returns the files that replace others in an overlay (`go help build`).
func OverlayFiles(p *gotool.Project, overlay string) (files []string) {
	var content struct{ Replace map[string]string }
	data, err := os.ReadFile(overlay)
	if err != nil || json.Unmarshal(data, &content) != nil {
		return nil
	}
	for _, file := range content.Replace {
		if file != "" {
			files = append(files, p.Absolute(file))
		}
	}
	return files
}

// defaultProfile returns the file that the go command uses as a profile if it exists.
func defaultProfile(p *gotool.Project, modules Modules, root string) string {
	name := p.Packages[0]
	switch dir := modules.PackageDir(root); {
	case p.NamesFiles():
		name = filepath.Dir(name)
	case !paths.IsLocal(name) && dir != "":
		name = dir
	}
	return filepath.Join(p.Absolute(name), "default.pgo")
}

// addAbove adds the directories above the others that are in a module, up to the root of the
// repository, or else up to the parent of the module: a directory on the way may be replaced by
// another one or by a link, and a go.work may appear. With kqueue, where each file of a watched
// directory needs a descriptor, the module is the limit.
func (s dirSet) addAbove(modules []string) {
	for _, root := range modules {
		top := root
		if runtime.GOOS == "linux" {
			top = repository(root)
		}
		for dir := range maps.Clone(s) {
			for dir != top && paths.Inside(top, dir) {
				if dir = filepath.Dir(dir); unix.Access(dir, unix.R_OK) == nil { // others could only be polled
					s.add(dir)
				}
			}
		}
	}
}

// repository returns the root of the repository that a module is in, or else the parent of the
// module.
func repository(module string) string {
	for dir := module; ; dir = filepath.Dir(dir) {
		for _, name := range []string{".git", ".hg", ".jj", ".svn"} {
			if paths.Exists(filepath.Join(dir, name)) {
				return dir
			}
		}
		if dir == filepath.Dir(dir) {
			return filepath.Dir(module)
		}
	}
}

package builder

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/hotstart/hotstart/builder/direct"
)

// Record makes a process that the go command of a Builder with Options.FastBuild has started
// into what it was started for, and then does not return. A program that sets that option
// calls it first thing in main.
func Record() { direct.Record() }

// shortcut is the way from an edit to the binary that goes around the go command, see
// package direct. It is open as long as all is as it was for the last build, but for the
// content of sources below their headers.
type shortcut struct {
	mu     sync.Mutex
	dir    string // of its files
	closed error  // why it is, for the rest of the session, or nil
	misses int    // how often in a row it was taken in vain
	graph  *Graph // that List has found last, or nil
	last   *recorded
	noted  *noted // that waits for a graph, or nil
}

// recorded is a build that can be done again. It does not change.
type recorded struct {
	program *direct.Program
	id      string            // of its binary; "" if not built without the go command
	flags   []string          // that were added
	files   []string          // that were named
	graph   *Graph            // of the time of the recording
	shapes  map[string]string // of the directories of packages
	print   footprint         // of what the program was built from
}

// noted is a build whose commands were noted, but nobody knows yet of which sources.
type noted struct {
	recording *direct.Recording
	flags     []string             // that were added, beside the recording's
	files     []string             // that were named
	fixed     map[string]fileState // before it began
	began     time.Time
	missed    error // why it could not be done without the go command, if that was tried
}

// maxMisses is how often in a row the shortcut may be taken in vain: each time costs as
// much as it would have gained.
const maxMisses = 5

// openShortcut opens the shortcut if it leads where builds with these flags do.
func (b *Builder) openShortcut() error {
	s := &b.shortcut
	if s.closed = b.straight(); s.closed != nil {
		return nil
	}
	s.dir = filepath.Join(b.output, "direct")
	if err := os.Mkdir(s.dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("making a directory for builds: %w", err)
	}
	return nil
}

// harmless are the flags whose effect is all in the commands that the go command runs.
var harmless = []string{"tags", "race", "msan", "asan", "ldflags", "gcflags", "buildmode", "trimpath", "buildvcs", "mod", "pgo", "p", "v", "modcacherw"}

// straight returns an error if a build depends on more than its sources, or has a flag of
// which that is not known.
func (b *Builder) straight() error {
	flags := b.flags
	if !b.debug {
		flags = append(parseFlags(b.flags.defaults()), flags...)
	}
	for _, flag := range flags {
		if !slices.Contains(harmless, flag.name) {
			return fmt.Errorf("build flag -%s", flag.name)
		}
	}
	if stamp, _ := flags.value("buildvcs"); stamp != "false" {
		return errors.New("the version control's stamp is in the binary")
	}
	return nil
}

// listed tells what List has found.
func (s *shortcut) listed(g *Graph) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.graph = g
}

// state returns what is known; open is false if nothing can be done with it.
func (s *shortcut) state() (g *Graph, last *recorded, open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.graph, s.last, s.closed == nil
}

// replace sets what is known, unless a build that ran beside has done so.
func (s *shortcut) replace(last, next *recorded) {
	s.mu.Lock()
	defer s.mu.Unlock()
	winner, loser := next, last
	if s.last != last {
		winner, loser = s.last, next
	}
	s.last = winner
	if winner != nil && loser != nil {
		winner.program.Forget(loser.program)
	}
}

// wait has a build wait for a graph, and no other one.
func (s *shortcut) wait(n *noted) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.noted != nil && s.noted.began.After(n.began) {
		n, s.noted = s.noted, n
	}
	if s.noted != nil {
		s.noted.recording.Remove()
	}
	s.noted = n
}

// taken returns the build that waits, and has it wait no more.
func (s *shortcut) taken() (n *noted) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, s.noted = s.noted, nil
	return n
}

// tried counts how often in a row the shortcut was taken in vain, although the code builds.
func (s *shortcut) tried(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.misses = 0
	} else if s.misses++; s.misses == maxMisses {
		s.closed = err
	}
}

// close closes the shortcut for the rest of the session.
func (s *shortcut) close(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = err
}

// take builds by the shortcut. It returns nil if that can't be sure to build what the go
// command would with these flags and files, and an error if it was tried.
func (b *Builder) take(ctx context.Context, flags, files []string) (*Binary, error) {
	s := &b.shortcut
	_, last, open := s.state()
	if !open || last == nil || !slices.Equal(last.flags, flags) || !slices.Equal(last.files, files) {
		return nil, nil
	}
	start := time.Now()
	next := *last
	next.print = b.footprint(last.graph, last.program)
	changed, ok := last.changed(next.print)
	if !ok {
		return nil, nil
	}
	binary := &Binary{Path: b.nextOutput(), FastBuild: true}
	var err error
	if next.program, err = last.program.Build(ctx, changed, binary.Path); err != nil {
		return nil, err
	}
	if binary.ID, err = readBuildID(binary.Path); err != nil {
		_ = binary.Remove()
		return nil, err
	}
	binary.Duration, next.id = time.Since(start), binary.ID
	s.replace(last, &next)
	s.tried(nil)
	return binary, nil
}

// record builds with the go command, and notes how, so that it can be done again.
func (b *Builder) record(ctx context.Context, flags, files []string, missed error) (*Binary, error) {
	s := &b.shortcut
	graph, last, open := s.state()
	if !open {
		return b.goBuild(ctx, b.command, flags, files)
	}
	recording, err := direct.NewRecording(s.dir)
	if err != nil {
		s.close(err)
		return b.goBuild(ctx, b.command, flags, files)
	}
	noted := &noted{
		recording: recording,
		flags:     flags,
		files:     files,
		fixed:     states(b.fixed(graph, last.programOrNil())),
		began:     time.Now(),
		missed:    missed,
	}
	binary, err := b.goBuild(ctx, b.command, append(flags[:len(flags):len(flags)], recording.Flag()), files)
	if err != nil {
		recording.Remove()
		return nil, err
	}
	s.wait(noted)
	b.accept()
	return binary, nil
}

// accept makes of the newest build that was recorded one that can be done again, as soon
// as there is a graph of the same sources.
func (b *Builder) accept() {
	s := &b.shortcut
	graph, last, open := s.state()
	if !open || graph == nil || graph.Err != nil {
		return
	}
	noted := s.taken()
	if noted == nil {
		return
	}
	now := b.footprint(graph, last.programOrNil())
	if !now.olderThan(noted.began) || !graph.placedBefore(noted.began) || !agree(noted.fixed, now.fixed) || !agree(noted.fixed, now.files) || !graph.current(now) {
		s.wait(noted)
		return
	}
	defer noted.recording.Remove()
	next := &recorded{flags: noted.flags, files: noted.files, graph: graph, shapes: graph.shapes()}
	var err error
	if next.program, err = noted.recording.Load(last.programOrNil(), next.unchanged(last, now)); err != nil {
		s.tried(err)
		return
	}
	if noted.missed != nil {
		s.tried(noted.missed)
	}
	if next.print = b.footprint(graph, next.program); !next.print.olderThan(noted.began) { // written since now
		new(direct.Program).Forget(next.program)
		return
	}
	s.replace(last, next)
}

// Check has the go command build the program once more, with what time nobody else wants,
// after Build has made x without it. That keeps the build cache as it would be, and makes
// sure: if the content is the same, or the sources have changed since, it returns nil. If
// not, Build goes around the go command no more, and what that has built, or said, is what
// counts.
func (b *Builder) Check(ctx context.Context, x *Binary) (*Binary, error) {
	_, last, open := b.shortcut.state()
	if !open || last == nil || last.id == "" || last.id != x.ID || !b.fresh(last) {
		return nil, nil
	}
	if len(last.graph.passing()) > 0 { // the go command would embed them
		return nil, nil
	}
	command := b.command
	command.idle = true
	binary, err := b.goBuild(ctx, command, last.flags, last.files)
	switch {
	case ctx.Err() != nil || !b.fresh(last) || len(last.graph.passing()) > 0:
	case err != nil || binary.ID != x.ID:
		b.shortcut.close(errors.New("the go command builds another program"))
		return binary, err
	}
	if binary != nil {
		_ = binary.Remove()
	}
	return nil, nil
}

// fresh reports whether the sources are still those of a build.
func (b *Builder) fresh(r *recorded) bool {
	changed, ok := r.changed(b.footprint(r.graph, r.program))
	return ok && len(changed) == 0
}

func (r *recorded) programOrNil() *direct.Program {
	if r == nil {
		return nil
	}
	return r.program
}

// unchanged returns a function that reports whether the command which has compiled a
// package for an older build is the one that would compile it for this one.
func (r *recorded) unchanged(older *recorded, now footprint) func(*direct.Package) bool {
	same := older != nil && slices.Equal(older.flags, r.flags) && slices.Equal(older.files, r.files) && agree(older.print.fixed, now.fixed)
	return func(p *direct.Package) bool {
		return same && !slices.ContainsFunc(p.Sources, func(file string) bool {
			dir := filepath.Dir(file)
			return r.shapes[dir] != older.shapes[dir]
		})
	}
}

// changed returns the packages to compile again, by import path. ok is false if the
// go command might find more to be done than that.
func (r *recorded) changed(now footprint) (packages []string, ok bool) {
	if !maps.Equal(r.print.fixed, now.fixed) || !maps.Equal(r.print.others, now.others) || !maps.Equal(r.print.names, now.names) {
		return nil, false
	}
	for path, state := range now.files {
		if state == r.print.files[path] {
			continue
		}
		owners, ok := r.owners(path)
		if !ok || r.graph.outdated(path) {
			return nil, false
		}
		packages = append(packages, owners...)
	}
	slices.Sort(packages)
	return slices.Compact(packages), true
}

// owners returns the packages that a file is compiled into. ok is false if not all of
// them can be compiled again.
func (r *recorded) owners(path string) (packages []string, ok bool) {
	dirs := r.graph.owners(path)
	for name, p := range r.program.Packages() {
		if slices.Contains(p.Sources, path) || slices.Contains(p.Embeds, path) {
			packages = append(packages, name)
			dirs = slices.DeleteFunc(dirs, func(dir string) bool {
				return slices.ContainsFunc(p.Sources, func(file string) bool { return filepath.Dir(file) == dir })
			})
		}
	}
	return packages, len(packages) > 0 && len(dirs) == 0
}

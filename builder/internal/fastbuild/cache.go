// Package fastbuild builds a program without the go command, by the commands of an earlier
// build, where the result is known to be the same as that of the go command. Everywhere else it
// builds with the go command, and records its commands.
package fastbuild

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

	"github.com/hotstart/hotstart/builder/internal/fastbuild/delta"
	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
	"github.com/hotstart/hotstart/builder/internal/fastbuild/replay"
	"github.com/hotstart/hotstart/builder/internal/gotool"
	"github.com/hotstart/hotstart/builder/internal/graph"
)

// RunTool runs a tool of the go command if a recorded build has started this process, and then
// does not return. A program that uses a Cache calls it first thing in main.
func RunTool() { replay.RunTool() }

// Options describe the builds of a Cache.
type Options struct {
	Enabled bool // false: the go command makes all builds
	Delta   bool // link by delta where that is possible; see package delta
	Project *gotool.Project
	Dir     string // existing directory, in which the Cache makes one of its own
	Overlay string // overlay that Inputs may name; the Cache sees its changes
	Linkers string // directory for delta linkers, of all sessions; "" if there is none

	Output  func() string                                                    // returns a new file name for a binary
	GoBuild func(ctx context.Context, in Inputs, idle bool) (*Binary, error) // builds with the go command
}

// Inputs are what a build reads besides the project.
type Inputs struct {
	Flags []string // build flags
	Files []string // sources besides those that the user named
}

func (in Inputs) equal(other Inputs) bool {
	return slices.Equal(in.Flags, other.Flags) && slices.Equal(in.Files, other.Files)
}

// Binary is a program that was built.
type Binary struct {
	Path string
	ID   string // content field of the build ID; "" if the program has none
	Fast bool   // built without the go command

	LinkedBy LinkedBy
	Recorded bool // built by the go command after an earlier build; Check prepares the next one

	WrongDelta error // the binary replaces one whose link by delta was wrong; nil if it does not
}

// LinkedBy is what has linked a binary.
type LinkedBy = replay.LinkedBy

// The linkers.
const (
	Delta     = replay.Delta
	Ordinary  = replay.Ordinary
	GoCommand = LinkedBy("go command") // the binary is not of a fast build
)

// Cache builds one program again and again. Its methods may be called at the same time.
type Cache struct {
	Options
	dir    string        // of its files
	linker *delta.Linker // nil if it is not wanted

	mu        sync.Mutex
	disabled  error        // why the go command makes all builds; nil if fast builds are possible
	misses    int          // fast builds in a row that failed although the code builds
	graph     *graph.Graph // of the latest list
	last      *build       // what can be built again; without a program if nothing can
	candidate *candidate   // the latest recorded build, while it waits for a graph; or nil
}

// build is a build that can be repeated without the go command. It does not change.
type build struct {
	Inputs
	program     *replay.Program
	id          string            // of the binary; "" if the go command built it
	graph       *graph.Graph      // at the time of the recording
	headers     map[string]string // of all sources, by directory
	fingerprint fingerprint       // of the files that the program was built from
}

// candidate is a recorded build whose sources are not known yet.
type candidate struct {
	Inputs
	recording *replay.Recording
	id        string                 // of the binary
	fixed     map[string]graph.State // fingerprint.fixed before the build began
	began     time.Time
	missed    error // why the fast build before it failed; nil if none was tried
}

// maxMisses is how many fast builds in a row may fail: each costs as much time as it would have
// saved.
const maxMisses = 5

// New returns a Cache. Where fast builds are not possible with the project's flags, the go
// command makes all builds.
func New(o Options) (*Cache, error) {
	c := &Cache{Options: o, dir: filepath.Join(o.Dir, "fastbuild"), graph: &graph.Graph{Err: errors.New("not listed yet")}, last: &build{}}
	if o.Delta {
		c.linker = delta.New(linktool.Options{GOROOT: o.Project.Env.GOROOT, Env: o.Project.Environ, CacheDir: o.Linkers, Dir: c.dir})
	}
	if c.disabled = c.checkReplayable(); c.disabled != nil {
		return c, nil
	}
	if err := os.Mkdir(c.dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("making a directory for builds: %w", err)
	}
	return c, nil
}

// Close removes the files for links by delta. All further builds run the ordinary linker.
func (c *Cache) Close() {
	if c.linker != nil {
		c.linker.Close()
	}
}

// DistrustDelta ends links by delta.
func (c *Cache) DistrustDelta(why error) {
	if c.linker != nil {
		c.linker.TurnOff(why)
	}
}

// errUnwanted is the reason why nothing is linked by delta if Options.Delta is not set.
var errUnwanted = errors.New("--direct=whole, or an earlier link was wrong")

// NextLink returns whether the next edit can be linked by delta. reason is why not, or why the last edit
// was not. disabled is the reason why the go command makes all builds.
func (c *Cache) NextLink() (delta bool, reason, disabled error) {
	c.mu.Lock()
	disabled = c.disabled
	c.mu.Unlock()
	if c.linker == nil {
		return false, errUnwanted, disabled
	}
	delta, reason = c.linker.State()
	return delta, reason, disabled
}

// replayableFlags are the flags that have no effect but on the commands of the go command.
var replayableFlags = []string{"tags", "race", "msan", "asan", "ldflags", "gcflags", "buildmode", "trimpath", "buildvcs", "mod", "pgo", "p", "v", "modcacherw"}

// checkReplayable returns an error if a build may depend on more than its sources.
func (c *Cache) checkReplayable() error {
	if !c.Enabled {
		return errors.New("--direct=off")
	}
	flags := c.Project.AllFlags()
	for _, flag := range flags {
		if !slices.Contains(replayableFlags, flag.Name) {
			return fmt.Errorf("build flag -%s", flag.Name)
		}
	}
	if stamp, _ := flags.Value("buildvcs"); stamp != "false" {
		return errors.New("the binary contains a version control stamp")
	}
	return nil
}

// Build builds the program.
func (c *Cache) Build(ctx context.Context, in Inputs) (*Binary, error) {
	_, last, enabled := c.state()
	if !enabled {
		return c.GoBuild(ctx, in, false)
	}
	binary, missed := c.replay(ctx, last, in)
	if binary != nil {
		return binary, nil
	}
	return c.buildRecorded(ctx, in, missed)
}

// replay builds the program without the go command. It returns nil if the go command might
// build another program, and an error if the build was tried.
func (c *Cache) replay(ctx context.Context, last *build, in Inputs) (*Binary, error) {
	if last.program == nil || !last.equal(in) {
		return nil, nil
	}
	next := *last
	next.fingerprint = c.fingerprint(last.graph, last.program)
	changed, ok := last.changed(next.fingerprint)
	if !ok {
		return nil, nil
	}
	binary := &Binary{Path: c.Output(), Fast: true}
	var err error
	var linker replay.Linker
	if c.linker != nil {
		linker = c.linker
	}
	if next.program, err = last.program.Build(ctx, changed, linker, binary.Path); err != nil {
		return nil, err
	}
	if err := c.accept(last, &next, binary); err != nil {
		return nil, err
	}
	c.countMiss(nil)
	return binary, nil
}

// accept completes the binary of a fast build, which becomes the last one.
func (c *Cache) accept(last, next *build, binary *Binary) (err error) {
	binary.LinkedBy = next.program.LinkedBy()
	binary.ID, err = gotool.ContentID(binary.Path)
	if err == nil && binary.ID != next.program.Content() {
		err = fmt.Errorf("the %s has written another build ID: %s, not %s", binary.LinkedBy, binary.ID, next.program.Content())
	}
	if err != nil {
		_ = os.Remove(binary.Path)
		next.program.RemoveExcept(last.program)
		return err
	}
	next.id = binary.ID
	c.replace(last, next)
	return nil
}

// Relink links the program of the last fast build, whose binary has this ID, with the ordinary
// linker. It returns nil if there is a newer build.
func (c *Cache) Relink(ctx context.Context, id string) (*Binary, error) {
	_, last, enabled := c.state()
	if !enabled || last.program == nil || last.id == "" || last.id != id {
		return nil, nil
	}
	next, binary := *last, &Binary{Path: c.Output(), Fast: true}
	var err error
	if next.program, err = last.program.Relink(ctx, binary.Path); err != nil {
		return nil, err
	}
	if err := c.accept(last, &next, binary); err != nil {
		return nil, err
	}
	return binary, nil
}

// buildRecorded builds with the go command, and records its commands.
func (c *Cache) buildRecorded(ctx context.Context, in Inputs, missed error) (*Binary, error) {
	recording, err := replay.NewRecording(c.dir)
	if err != nil {
		c.disable(err)
		return c.GoBuild(ctx, in, false)
	}
	g, last, _ := c.state()
	recorded := &candidate{
		Inputs:    in,
		recording: recording,
		fixed:     states(c.fixedFiles(g, last.program)),
		began:     time.Now(),
		missed:    missed,
	}
	binary, err := c.GoBuild(ctx, Inputs{append(slices.Clip(in.Flags), recording.Flag()), in.Files}, false)
	if err != nil {
		recording.Remove()
		return nil, err
	}
	recorded.id = binary.ID
	c.setCandidate(recorded)
	c.commit()
	binary.Recorded = last.program != nil
	return binary, nil
}

// SetGraph informs the Cache about the files that builds read, after each list.
func (c *Cache) SetGraph(g *graph.Graph) {
	c.mu.Lock()
	c.graph = g
	c.mu.Unlock()
	c.commit()
}

// commit makes the candidate repeatable, if the latest graph is that of the same sources.
func (c *Cache) commit() {
	g, last, enabled := c.state()
	if !enabled || g.Err != nil {
		return
	}
	c.mu.Lock()
	recorded := c.candidate
	c.candidate = nil
	c.mu.Unlock()
	if recorded == nil {
		return
	}
	now := c.fingerprint(g, last.program)
	if now.changedAfter(recorded.began) || g.MovedSince(recorded.began) || !agree(recorded.fixed, now.fixed) || !agree(recorded.fixed, now.files) || !isCurrent(g, now) {
		c.setCandidate(recorded)
		return
	}
	defer recorded.recording.Remove()
	next := &build{Inputs: recorded.Inputs, graph: g, headers: headers(g)}
	var err error
	if next.program, err = recorded.recording.Load(last.program, next.sameCommand(last, now), recorded.id); err != nil {
		c.countMiss(err)
		return
	}
	if recorded.missed != nil {
		c.countMiss(recorded.missed)
	}
	if next.fingerprint = c.fingerprint(g, next.program); next.fingerprint.changedAfter(recorded.began) {
		next.program.RemoveExcept(nil)
		return
	}
	if c.linker != nil && last.program != nil {
		c.linker.NoteEdited(next.edited(last))
	}
	c.replace(last, next)
}

// edited returns the packages with sources that differ from those of an older build.
func (b *build) edited(older *build) (packages []string) {
	for name, p := range b.program.Packages() {
		if slices.ContainsFunc(append(slices.Clone(p.Sources), p.Embeds...), func(file string) bool {
			return b.fingerprint.files[file] != older.fingerprint.files[file]
		}) {
			packages = append(packages, name)
		}
	}
	return packages
}

func (c *Cache) state() (g *graph.Graph, last *build, enabled bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.graph, c.last, c.disabled == nil
}

// replace replaces the last build, unless a concurrent build has done so.
func (c *Cache) replace(last, next *build) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != last {
		last, next = next, c.last
	}
	c.last = next
	if last.program != nil {
		last.program.RemoveExcept(next.program)
	}
}

// setCandidate keeps the newer one of two candidates.
func (c *Cache) setCandidate(newer *candidate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	older := c.candidate
	if older != nil && older.began.After(newer.began) {
		older, newer = newer, older
	}
	if older != nil {
		older.recording.Remove()
	}
	c.candidate = newer
}

// countMiss counts the fast builds in a row that failed with an error, although the code builds.
func (c *Cache) countMiss(err error) {
	c.mu.Lock()
	c.misses++
	if err == nil {
		c.misses = 0
	}
	many := c.misses == maxMisses
	c.mu.Unlock()
	if many {
		c.disable(err)
	}
}

func (c *Cache) disable(err error) {
	c.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disabled = err
}

// sameCommand returns a function that reports whether the command which compiled a package for
// an older build is the one that would compile it for this build.
func (b *build) sameCommand(older *build, now fingerprint) func(*replay.Package) bool {
	same := older.equal(b.Inputs) && agree(older.fingerprint.fixed, now.fixed)
	return func(p *replay.Package) bool {
		return same && !slices.ContainsFunc(p.Sources, func(file string) bool {
			dir := filepath.Dir(file)
			return b.headers[dir] != older.headers[dir]
		})
	}
}

// changed returns the packages to compile again, by import path. ok is false if the go command
// might do more than that.
func (b *build) changed(now fingerprint) (packages []string, ok bool) {
	before := b.fingerprint
	if !maps.Equal(before.fixed, now.fixed) || !maps.Equal(before.others, now.others) || !maps.Equal(before.names, now.names) {
		return nil, false
	}
	for path, state := range now.files {
		if state == before.files[path] {
			continue
		}
		owners, ok := b.owners(path)
		if !ok || b.graph.Outdated([]string{path}) {
			return nil, false
		}
		packages = append(packages, owners...)
	}
	slices.Sort(packages)
	return slices.Compact(packages), true
}

// owners returns the packages that a file is compiled into. ok is false if one of them can't be
// compiled again.
func (b *build) owners(path string) (packages []string, ok bool) {
	dirs := compiledInto(b.graph, path)
	for name, p := range b.program.Packages() {
		if slices.Contains(p.Sources, path) || slices.Contains(p.Embeds, path) {
			packages = append(packages, name)
			dirs = slices.DeleteFunc(dirs, func(dir string) bool {
				return slices.ContainsFunc(p.Sources, func(file string) bool { return filepath.Dir(file) == dir })
			})
		}
	}
	return packages, len(packages) > 0 && len(dirs) == 0
}

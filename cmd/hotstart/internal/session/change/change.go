// Package change says what changes of files call for: a build, a restart, or less.
package change

import (
	"slices"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
)

// Work is what changes call for. Each part includes the parts below it.
type Work struct {
	Build   bool
	Force   bool     // start the program even if it is the same
	Restart bool     // start the program, and build it only if there is newer code
	Refresh []string // files that only open pages need to load again
}

// Add adds other work.
func (w *Work) Add(other Work) {
	w.Build, w.Force, w.Restart = w.Build || other.Build, w.Force || other.Force, w.Restart || other.Restart
	w.Refresh = append(w.Refresh, other.Refresh...)
}

// File is a file that changed.
type File struct {
	Path      string
	Modified  time.Time // zero: the file does not exist
	Generated bool      // the file says that it is generated
	Effect    Effect
}

// Effect is what a change of a file calls for, apart from rules.
type Effect int

const (
	EffectNone    Effect = iota
	EffectRefresh        // open pages load the file again
	EffectRestart        // the program is started again
	EffectBuild          // the program is built, and started if its binary differs
	EffectForce          // the program is built and started: the binary does not show the change
)

// Work returns the work that a change of the file calls for.
func (f File) Work() (w Work) {
	switch f.Effect {
	case EffectRefresh:
		w.Refresh = []string{f.Path}
	case EffectRestart:
		w.Restart = true
	case EffectBuild:
		w.Build = true
	case EffectForce:
		w.Build, w.Force = true, true
	}
	return w
}

// ForRules returns the changes for the engine of rules. since is the time of files that do not exist.
func ForRules(files []File, since time.Time) (changes []rules.Change) {
	for _, f := range files {
		c := rules.Change{Path: f.Path, At: since, Builds: f.Work().Build, Generated: f.Generated}
		if !f.Modified.IsZero() {
			c.At = f.Modified
		}
		changes = append(changes, c)
	}
	return changes
}

// Among returns the files with one of the paths.
func Among(files []File, paths []string) []File {
	return slices.DeleteFunc(slices.Clone(files), func(f File) bool { return !slices.Contains(paths, f.Path) })
}

// Modified returns a function that returns the modification time of one of the files.
func Modified(files []File) func(path string) time.Time {
	times := map[string]time.Time{}
	for _, f := range files {
		times[f.Path] = f.Modified
	}
	return func(path string) time.Time { return times[path] }
}

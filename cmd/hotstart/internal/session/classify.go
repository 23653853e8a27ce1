package session

import (
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
)

// file is a file that changed.
type file struct {
	path      string
	modified  time.Time // zero: the file does not exist
	generated bool      // the file says that it is generated
	effect    effect
}

// effect is what a change of a file calls for, in addition to rules.
type effect int

const (
	effectNone    effect = iota
	effectRefresh        // open pages load the file again
	effectRestart        // the program is started again
	effectBuild          // the program is built, and started if its binary differs
	effectForce          // the program is built and started: the binary does not show the change
)

// work returns the work that a change of the file calls for.
func (f file) work() (w work) {
	switch f.effect {
	case effectRefresh:
		w.refresh = []string{f.path}
	case effectRestart:
		w.restart = true
	case effectBuild:
		w.build = true
	case effectForce:
		w.build, w.force = true, true
	}
	return w
}

// ruleChanges returns the changes for the rules.
func ruleChanges(files []file, since time.Time) (changes []rules.Change) {
	for _, f := range files {
		c := rules.Change{Path: f.path, At: since, Builds: f.work().build, Generated: f.generated}
		if !f.modified.IsZero() {
			c.At = f.modified
		}
		changes = append(changes, c)
	}
	return changes
}

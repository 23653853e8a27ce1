package main

import (
	"fmt"

	"github.com/hotstart/hotstart/builder"
)

// progresses keeps how far the build has come for the loop: the latest, if
// that was not looked at yet. Called by builds.
func (w *watch) progresses(p builder.Progress) {
	for {
		select {
		case w.progress <- p:
			return
		case <-w.progress:
		}
	}
}

// progress shows how far a build has come that takes long.
func (u *watchUI) progress(p builder.Progress) {
	if p.Begun == p.Packages {
		u.SetStatus(u.Dim("building: the last of " + count(p.Packages, "package") + ", and linking"))
		return
	}
	u.SetStatus(u.Dim(fmt.Sprintf("building: %d of %s", p.Begun, count(p.Packages, "package"))))
}

// progressed has the status say again what it said before.
func (u *watchUI) progressed(standing string) {
	u.SetStatus("")
	u.remind(standing)
}

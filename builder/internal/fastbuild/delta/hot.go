package delta

import (
	"maps"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
)

// maxHot is how many packages one build may change for them to become hot. After
// more, for example after a checkout of another branch, most are not edited again.
const maxHot = 50

// hotPackages are the packages of a program that may change at the next edit: package main,
// and those that have changed before. The zero value knows no edit.
type hotPackages struct {
	packages map[string]bool
	last     map[string]string // archives of the last link
}

// link notes the archives that are about to be linked after an edit.
func (h *hotPackages) link(archives map[string]string) {
	if h.last != nil {
		h.add(linktool.Changed(h.last, archives))
	}
	h.last = archives
}

// linked notes the archives of a program that was linked. What differs in them may not have been
// edited: the go command compiles all packages that import an edited one.
func (h *hotPackages) linked(c *linktool.Command, archives map[string]string) {
	h.add([]string{c.Main})
	h.last = archives
}

// add notes packages that one build has changed.
func (h *hotPackages) add(packages []string) {
	if h.packages == nil {
		h.packages = map[string]bool{}
	}
	if len(packages) > maxHot {
		return
	}
	for _, path := range packages {
		h.packages[path] = true
	}
}

// in returns the hot packages that are among the archives, by import path.
func (h *hotPackages) in(archives map[string]string) map[string]bool {
	hot := maps.Clone(h.packages)
	maps.DeleteFunc(hot, func(path string, _ bool) bool { return archives[path] == "" }) // no longer imported
	return hot
}

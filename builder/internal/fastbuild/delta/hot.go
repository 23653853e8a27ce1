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

// note notes the archives that are linked, or that are about to be.
func (h *hotPackages) note(c *linktool.Command, archives map[string]string) {
	if h.packages == nil {
		h.packages = map[string]bool{}
	}
	h.packages[c.Main] = true
	if edited := linktool.Changed(h.last, archives); h.last != nil && len(edited) <= maxHot {
		for _, path := range edited {
			h.packages[path] = true
		}
	}
	h.last = archives
}

// in returns the hot packages that are among the archives, by import path.
func (h *hotPackages) in(archives map[string]string) map[string]bool {
	hot := maps.Clone(h.packages)
	maps.DeleteFunc(hot, func(path string, _ bool) bool { return archives[path] == "" }) // no longer imported
	return hot
}

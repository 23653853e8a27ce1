package linktool

import "maps"

// maxHot is how many packages one build may change for them to become hot. After
// more, for example after a checkout of another branch, most are not edited again.
const maxHot = 50

// Hot is the packages of a program that may change at the next edit: package main,
// and those that have changed before. The zero Hot knows no edit.
type Hot struct {
	packages map[string]bool
	last     map[string]string // archives of the last link
}

// Note notes the archives that are linked, or that are about to be.
func (h *Hot) Note(c *Command, archives map[string]string) {
	if h.packages == nil {
		h.packages = map[string]bool{}
	}
	h.packages[c.Main] = true
	if edited := Changed(h.last, archives); h.last != nil && len(edited) <= maxHot {
		for _, path := range edited {
			h.packages[path] = true
		}
	}
	h.last = archives
}

// In returns the hot packages that are among the archives, by import path.
func (h *Hot) In(archives map[string]string) map[string]bool {
	hot := maps.Clone(h.packages)
	maps.DeleteFunc(hot, func(path string, _ bool) bool { return archives[path] == "" }) // no longer imported
	return hot
}

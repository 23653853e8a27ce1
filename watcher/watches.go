package watcher

import (
	"cmp"
	"path/filepath"
	"slices"

	"github.com/fsnotify/fsnotify"
)

// kernel is the part of an fsnotify.Watcher that watches needs.
//
// On darwin and freebsd fsnotify uses kqueue, which opens every file of a watched directory. There the number of open
// files (ulimit -n) is the first limit to be reached. It leads to polling, like the limit of watches on Linux.
type kernel interface {
	Add(dir string) error
	Remove(dir string) error
}

// watches keeps the kernel's watches. The kernel watches inodes, not paths, and fsnotify knows each inode by the first
// path that was added. An inode that is found a second time has three possible reasons: another name of the same
// directory (a symbolic link, a bind mount), a directory that was moved, or a new directory with the inode number of a
// removed one. In the first case the names share a watch. In the other cases the old watch is closed, and its names are
// lost until they are opened again.
type watches struct {
	kernel  kernel // nil if there are no events: open then does nothing
	byName  map[string]*inodeWatch
	byInode map[inode]*inodeWatch
	lost    []string // names that lost their watch, see takeLost
}

// inodeWatch is one watch of the kernel.
type inodeWatch struct {
	inode inode
	label string   // the name that was added, which events have
	names []string // every name that was opened, label included
}

func newWatches() *watches {
	return &watches{byName: map[string]*inodeWatch{}, byInode: map[inode]*inodeWatch{}}
}

// open watches the directory at name, unless it is watched. If name is now the path of another directory, it watches
// that one instead.
func (w *watches) open(name string) error {
	id, err := dirInode(name)
	if err != nil || w.kernel == nil {
		return err
	}
	if old := w.byName[name]; old != nil {
		if old.inode == id {
			return nil
		}
		w.close(name)
	}
	if same := w.byInode[id]; same != nil {
		if now, err := dirInode(same.label); err == nil && now == id {
			same.names = append(same.names, name)
			w.byName[name] = same
			return nil
		}
		w.lost = append(w.lost, same.names...)
		w.drop(same)
	}
	if err := w.kernel.Add(name); err != nil {
		return err
	}
	added := &inodeWatch{id, name, []string{name}}
	w.byName[name], w.byInode[id] = added, added
	return nil
}

// takeLost returns, once, the names whose watch has ended without a call of close. Some may be open again.
func (w *watches) takeLost() []string {
	lost := w.lost
	w.lost = nil
	return lost
}

// close ends the watch of this name. If the name is the label, the other names of the directory are lost.
func (w *watches) close(name string) {
	old := w.byName[name]
	if old == nil {
		return
	}
	delete(w.byName, name)
	old.names = slices.DeleteFunc(old.names, func(n string) bool { return n == name })
	if name == old.label {
		w.lost = append(w.lost, old.names...)
		w.drop(old)
	}
}

// drop ends the watch.
func (w *watches) drop(old *inodeWatch) {
	for _, name := range old.names {
		delete(w.byName, name)
	}
	if w.byInode[old.inode] == old {
		delete(w.byInode, old.inode)
	}
	// Remove fails if the watch has ended with its directory: then there is nothing to remove.
	_ = w.kernel.Remove(old.label)
}

// event is a change that the kernel reported, under a name in the set.
type event struct {
	path string
	mark
}

// events translates the kernel's events to the names in the set, sorted: a directory comes before its files. One event
// can belong to several names, or to no name if its watch has been closed.
func (w *watches) events(marks map[string]mark) []event {
	var events []event
	for path, m := range marks {
		if own := w.byLabel(path); own != nil {
			for _, name := range own.names {
				events = append(events, event{name, m})
			}
		}
		if parent := w.byLabel(filepath.Dir(path)); parent != nil {
			for _, name := range parent.names {
				events = append(events, event{filepath.Join(name, filepath.Base(path)), m})
			}
		}
	}
	slices.SortFunc(events, func(a, b event) int { return cmp.Compare(a.path, b.path) })
	return events
}

func (w *watches) byLabel(path string) *inodeWatch {
	if found := w.byName[path]; found != nil && found.label == path {
		return found
	}
	return nil
}

// dropEnded closes the names that were removed or renamed. Their inode number does not show it: a directory that was
// removed and created again often has the same number.
func (w *watches) dropEnded(events []event) {
	for _, ev := range events {
		if ev.op.Has(fsnotify.Remove) || ev.op.Has(fsnotify.Rename) {
			w.close(ev.path)
		}
	}
}

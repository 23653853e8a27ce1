package watcher

import (
	"cmp"
	"path/filepath"
	"slices"

	"github.com/fsnotify/fsnotify"
)

// kernel is what the eyes need of an fsnotify.Watcher.
//
// On darwin and freebsd that is kqueue, which opens every file of a watched directory: there the number of open files
// (ulimit -n) is the limit that is met first, and it leads to polling as the limit of watches does on Linux.
type kernel interface {
	Add(dir string) error
	Remove(dir string) error
}

// eyes keeps the kernel's watches. The kernel watches inodes, not paths, and fsnotify knows each inode by the path that
// it was first added by. So an inode that is met a second time is one of: another name for the same directory (a
// symbolic link, a bind mount), or a directory that has moved, or a new one with the number of one that is gone. In the
// first case the names share an eye; in the others the old eye is closed and its names are blind until opened again.
type eyes struct {
	kernel  kernel // nil: there are no events; everything is blind, without error
	byName  map[string]*eye
	byInode map[inode]*eye
	blind   []string // names that lost their eye to another, see takeBlind
}

// eye is one watch of the kernel.
type eye struct {
	inode inode
	label string   // the name that it was added by, by which events name it
	names []string // every name by which it was opened, label included
}

func newEyes() *eyes {
	return &eyes{byName: map[string]*eye{}, byInode: map[inode]*eye{}}
}

// open watches the directory at name, if it is not. A name that leads to another directory by now is opened anew.
func (e *eyes) open(name string) error {
	id, err := dirInode(name)
	if err != nil || e.kernel == nil {
		return err
	}
	if old := e.byName[name]; old != nil {
		if old.inode == id {
			return nil
		}
		e.close(name)
	}
	if same := e.byInode[id]; same != nil {
		if now, err := dirInode(same.label); err == nil && now == id {
			same.names = append(same.names, name)
			e.byName[name] = same
			return nil
		}
		e.blind = append(e.blind, same.names...)
		e.drop(same)
	}
	if err := e.kernel.Add(name); err != nil {
		return err
	}
	added := &eye{id, name, []string{name}}
	e.byName[name], e.byInode[id] = added, added
	return nil
}

// takeBlind returns, once, the names that are not watched any more though nobody closed them. Some may be open again.
func (e *eyes) takeBlind() []string {
	blind := e.blind
	e.blind = nil
	return blind
}

// close ends watching by this name. Other names of the directory go blind if the events came by this one.
func (e *eyes) close(name string) {
	old := e.byName[name]
	if old == nil {
		return
	}
	delete(e.byName, name)
	old.names = slices.DeleteFunc(old.names, func(n string) bool { return n == name })
	if name == old.label {
		e.blind = append(e.blind, old.names...)
		e.drop(old)
	}
}

// drop ends the watch.
func (e *eyes) drop(old *eye) {
	for _, name := range old.names {
		delete(e.byName, name)
	}
	if e.byInode[old.inode] == old {
		delete(e.byInode, old.inode)
	}
	// It fails for a watch that has ended with its directory: then there is nothing to remove.
	_ = e.kernel.Remove(old.label)
}

// event is a change that the kernel told, by a name that the set knows.
type event struct {
	path string
	mark
}

// events translates what the kernel told into the names that the set knows, sorted: a directory comes before what is
// in it. One event can be about several names, or, when it is about an eye that was closed meanwhile, none.
func (e *eyes) events(marks map[string]mark) []event {
	var events []event
	for path, m := range marks {
		if own := e.labelled(path); own != nil {
			for _, name := range own.names {
				events = append(events, event{name, m})
			}
		}
		if parent := e.labelled(filepath.Dir(path)); parent != nil {
			for _, name := range parent.names {
				events = append(events, event{filepath.Join(name, filepath.Base(path)), m})
			}
		}
	}
	slices.SortFunc(events, func(a, b event) int { return cmp.Compare(a.path, b.path) })
	return events
}

func (e *eyes) labelled(path string) *eye {
	if found := e.byName[path]; found != nil && found.label == path {
		return found
	}
	return nil
}

// gone heeds events that end a watch without the inode's number telling: a directory that was removed and made again
// often gets the same number.
func (e *eyes) gone(events []event) {
	for _, ev := range events {
		if ev.op.Has(fsnotify.Remove) || ev.op.Has(fsnotify.Rename) {
			e.close(ev.path)
		}
	}
}

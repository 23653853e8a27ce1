package contend

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"golang.org/x/sys/unix"
)

// An Observer finds out what a new worker needs of older workers. Make it just
// before the new worker is started: a failed worker has closed its files, and
// inotify(7) tells which locked files were opened until then. It is not safe for
// concurrent use.
type Observer struct {
	older  []int            // pids of the older workers
	opens  int              // inotify descriptor; -1: none
	files  map[int32]fileID // the locked files, by watch descriptor
	opened map[fileID]bool
}

// Observe records the files that older workers have locked. Their pids must stay
// valid until Close.
func Observe(older []int) *Observer {
	o := &Observer{older: older, opens: -1, files: map[int32]fileID{}, opened: map[fileID]bool{}}
	proc.EachOfWorkers(older, func(pid int, fd, to string) {
		for _, l := range locksOf(pid, fd, to) {
			o.watch(pid, fd, l.file)
		}
	})
	return o
}

// watch watches for the opening of a file that a process has at fd.
func (o *Observer) watch(pid int, fd string, file fileID) {
	if o.opens < 0 {
		var err error
		if o.opens, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err != nil {
			o.opens = -1
			return
		}
	}
	if wd, err := unix.InotifyAddWatch(o.opens, fmt.Sprintf("/proc/%d/fd/%s", pid, fd), unix.IN_OPEN); err == nil {
		o.files[int32(wd)] = file
	}
}

// Needs returns the resource of the older workers that the worker pid needs, such
// as "the lock on data/ergo.lock", or "". The worker hangs, or has failed and is
// not reaped yet. output is its last output, kept are the inodes of the sockets
// that stay open whichever worker exits.
func (o *Observer) Needs(pid int, output string, kept []uint64) string {
	n := needs{waits: map[string]bool{}, opened: o.opened, output: output}
	if proc.Exiting(pid) {
		o.readEvents()
	} else {
		tree := proc.Tree(pid)
		n.waits, n.opened = waitedFor(tree), openIn(tree)
	}
	return holdingsOf(o.older, kept).neededBy(n)
}

// WaitsFor returns the lock of the older workers that the worker pid waits for
// now, or "".
func (o *Observer) WaitsFor(pid int) string {
	n := needs{waits: waitedFor(proc.Tree(pid))}
	if len(n.waits) == 0 {
		return ""
	}
	return holdingsOf(o.older, nil).neededBy(n)
}

// readEvents reads which files were opened. Struct inotify_event is wd, mask,
// cookie, length of the name. An event without a name is about the file itself.
func (o *Observer) readEvents() {
	b := make([]byte, 4096)
	for {
		n, err := unix.Read(o.opens, b)
		if err != nil || n <= 0 {
			return
		}
		for e := b[:n]; len(e) >= unix.SizeofInotifyEvent; {
			name := int(binary.NativeEndian.Uint32(e[12:]))
			if file, ok := o.files[int32(binary.NativeEndian.Uint32(e))]; ok && name == 0 {
				o.opened[file] = true
			}
			e = e[min(unix.SizeofInotifyEvent+name, len(e)):]
		}
	}
}

// Close stops watching.
func (o *Observer) Close() {
	if o.opens >= 0 {
		unix.Close(o.opens)
	}
}

// holdingsOf looks at the resources of processes and their descendants.
func holdingsOf(pids []int, kept []uint64) (h holdings) {
	sockets := map[uint64]bool{}
	proc.EachOfWorkers(pids, func(pid int, fd, to string) {
		switch {
		case proc.SocketInode(to) != 0:
			sockets[proc.SocketInode(to)] = true
		case isDevice(to):
			h.devices = append(h.devices, to)
		default:
			h.locks = append(h.locks, locksOf(pid, fd, to)...)
		}
	})
	for _, inode := range kept {
		delete(sockets, inode)
	}
	for _, pid := range pids {
		h.addresses = append(h.addresses, addressesOf(pid, sockets)...)
	}
	slices.Sort(h.devices)
	h.devices = slices.Compact(h.devices)
	return h
}

// locksOf lists the exclusive locks that were taken by a descriptor, but not
// those on deleted files.
func locksOf(pid int, fd, to string) []heldLock {
	if !strings.HasPrefix(to, "/") || strings.HasSuffix(to, " (deleted)") {
		return nil
	}
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%s", pid, fd))
	for _, l := range proc.Locks(b) {
		if l.Write { // one suffices: a file may be locked in many ranges
			return []heldLock{{inode: l.Inode, file: fileAt(pid, fd), path: nameFor(pid, to)}}
		}
	}
	return nil
}

// nameFor returns a path as the person who started the process would write it.
func nameFor(pid int, path string) string {
	dir, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if name, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(name) && name != "." {
		return name
	}
	return path
}

func fileAt(pid int, fd string) fileID {
	var s unix.Stat_t
	if unix.Stat(fmt.Sprintf("/proc/%d/fd/%s", pid, fd), &s) != nil {
		return fileID{}
	}
	return fileID{uint64(s.Dev), s.Ino}
}

// isDevice reports whether a path is that of a device which only one process may
// be able to open. Devices that every process uses are not.
func isDevice(path string) bool {
	name, ok := strings.CutPrefix(path, "/dev/")
	first, _, _ := strings.Cut(name, "/")
	shared := []string{"null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "pts", "shm", "mqueue", "kmsg"}
	return ok && !slices.Contains(shared, first)
}

// waitedFor lists the inodes of the files whose lock one of the processes waits
// for.
func waitedFor(pids []int) map[string]bool {
	waits := map[string]bool{}
	b, _ := os.ReadFile("/proc/locks")
	for line := range strings.Lines(string(b)) {
		if l, ok := proc.ParseLock(line); ok && l.Waits && slices.Contains(pids, l.PID) {
			waits[l.Inode] = true
		}
	}
	return waits
}

// openIn lists the files that processes have open, but not those that they have
// locked, such as by an inherited descriptor.
func openIn(pids []int) map[fileID]bool {
	open := map[fileID]bool{}
	for _, pid := range pids {
		proc.EachDescriptor(pid, func(fd, to string) {
			if strings.HasPrefix(to, "/") && len(locksOf(pid, fd, to)) == 0 {
				open[fileAt(pid, fd)] = true
			}
		})
	}
	return open
}

// addressesOf lists the addresses of those sockets that a process sees in its
// network namespace.
func addressesOf(pid int, sockets map[uint64]bool) (all []heldAddress) {
	if len(sockets) == 0 {
		return nil
	}
	for _, network := range []string{"tcp", "udp", "unix"} {
		for _, s := range proc.NetSockets(pid, network) {
			switch {
			case !sockets[s.Inode]:
			case network == "unix":
				all = append(all, heldAddress{name: nameFor(pid, s.Path)})
			default:
				all = append(all, heldAddress{s.Address.String(), s.Address.Port()})
			}
		}
	}
	slices.SortFunc(all, func(a, b heldAddress) int { return strings.Compare(a.name, b.name) })
	return all
}

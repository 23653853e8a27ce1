package starter

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

// A contention finds out whether a new worker fails or hangs because older
// workers hold what it needs. It is made as soon as the new one is started: a
// worker that has failed has closed everything, and inotify(7) tells which of
// the locked files were opened meanwhile. The loop owns it.
type contention struct {
	older  []int            // pids of the older workers
	opens  int              // inotify descriptor; -1: none
	files  map[int32]fileID // of the locked files, by watch descriptor
	opened map[fileID]bool
}

// contend notes which files the older workers have locked.
func contend(older []int) *contention {
	c := &contention{older: older, opens: -1, files: map[int32]fileID{}, opened: map[fileID]bool{}}
	proc.EachOfWorkers(older, func(pid int, fd, to string) {
		for _, l := range locksOf(pid, fd, to) {
			c.watch(pid, fd, l.file)
		}
	})
	return c
}

// watch has the opening of a file told, which a process has at fd.
func (c *contention) watch(pid int, fd string, file fileID) {
	if c.opens < 0 {
		var err error
		if c.opens, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err != nil {
			c.opens = -1
			return
		}
	}
	if wd, err := unix.InotifyAddWatch(c.opens, fmt.Sprintf("/proc/%d/fd/%s", pid, fd), unix.IN_OPEN); err == nil {
		c.files[int32(wd)] = file
	}
}

// over returns the thing held by the older workers that the worker pid needs,
// as holdings.contended does: pid has failed, and not been waited for yet, or
// does not get on. words is what it wrote last, kept are the inodes of the
// sockets that stay open whichever worker ends.
func (c *contention) over(pid int, words string, kept []uint64) string {
	n := needs{waits: map[string]bool{}, opened: c.opened, words: words}
	if proc.Exiting(pid) {
		c.drain()
	} else {
		fresh := proc.Tree(pid)
		n.waits, n.opened = waiting(fresh), openIn(fresh)
	}
	return holdingsOf(c.older, kept).contended(n)
}

// waits returns the thing held by the older workers that the worker pid waits
// for now.
func (c *contention) waits(pid int) string {
	n := needs{waits: waiting(proc.Tree(pid))}
	if len(n.waits) == 0 {
		return ""
	}
	return holdingsOf(c.older, nil).contended(n)
}

// drain reads which files were opened. Struct inotify_event is wd, mask,
// cookie, length of the name: without a name it is the file itself.
func (c *contention) drain() {
	b := make([]byte, 4096)
	for {
		n, err := unix.Read(c.opens, b)
		if err != nil || n <= 0 {
			return
		}
		for e := b[:n]; len(e) >= unix.SizeofInotifyEvent; {
			name := int(binary.NativeEndian.Uint32(e[12:]))
			if file, ok := c.files[int32(binary.NativeEndian.Uint32(e))]; ok && name == 0 {
				c.opened[file] = true
			}
			e = e[min(unix.SizeofInotifyEvent+name, len(e)):]
		}
	}
}

func (c *contention) close() { closeFD(c.opens) }

// holdingsOf looks at what processes and their descendants hold now.
func holdingsOf(pids []int, kept []uint64) (h holdings) {
	sockets := map[string]bool{}
	proc.EachOfWorkers(pids, func(pid int, fd, to string) {
		switch {
		case proc.SocketInode(to) != 0:
			sockets[to] = true
		case isDevice(to):
			h.devices = append(h.devices, to)
		default:
			h.locks = append(h.locks, locksOf(pid, fd, to)...)
		}
	})
	for _, inode := range kept {
		delete(sockets, fmt.Sprintf("socket:[%d]", inode))
	}
	for _, pid := range pids {
		h.addresses = append(h.addresses, addressesOf(pid, sockets)...)
	}
	slices.Sort(h.devices)
	h.devices = slices.Compact(h.devices)
	return h
}

// locksOf lists the exclusive locks that were taken by a descriptor. What has
// been deleted is not in the way of anybody.
func locksOf(pid int, fd, to string) []heldLock {
	if !strings.HasPrefix(to, "/") || strings.HasSuffix(to, " (deleted)") {
		return nil
	}
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%s", pid, fd))
	for _, l := range proc.Locks(b) {
		if l.Write { // the first will do: a file may be locked in many ranges
			return []heldLock{{inode: l.Inode, file: fileAt(pid, fd), path: nameFor(pid, to)}}
		}
	}
	return nil
}

// nameFor is a path as a person who started the process would write it.
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

// isDevice reports whether a path is of a device that one process may have
// for itself: not of those that everybody has.
func isDevice(path string) bool {
	name, ok := strings.CutPrefix(path, "/dev/")
	first, _, _ := strings.Cut(name, "/")
	shared := []string{"null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "pts", "shm", "mqueue", "kmsg"}
	return ok && !slices.Contains(shared, first)
}

// waiting lists the inodes that one of the processes waits for a lock on.
func waiting(pids []int) map[string]bool {
	waits := map[string]bool{}
	b, _ := os.ReadFile("/proc/locks")
	for line := range strings.Lines(string(b)) {
		if l, ok := proc.ParseLock(line); ok && l.Waits && slices.Contains(pids, l.PID) {
			waits[l.Inode] = true
		}
	}
	return waits
}

// openIn lists the files that processes have open, but not those that they
// have locked, as with a descriptor that they were given.
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

// addressesOf lists the addresses of those of the sockets that a process sees
// in its network namespace.
func addressesOf(pid int, sockets map[string]bool) (all []heldAddress) {
	const listen, unconnected = "0A", "07" // include/net/tcp_states.h
	little := binary.NativeEndian.Uint16([]byte{1, 0}) == 1
	for table, state := range map[string]string{"tcp": listen, "tcp6": listen, "udp": unconnected, "udp6": unconnected} {
		// sl local_address rem_address st queues timer retransmits uid timeout inode
		proc.EachLine(fmt.Sprintf("/proc/%d/net/%s", pid, table), func(f []string) {
			if len(f) < 10 || f[3] != state || !sockets["socket:["+f[9]+"]"] || !strings.HasSuffix(f[2], ":0000") {
				return
			}
			if a, err := parseAddress(f[1], little); err == nil {
				all = append(all, heldAddress{a.String(), a.Port()})
			}
		})
	}
	// Num RefCount Protocol Flags Type St Inode Path
	const accepts, datagram = "00010000", "0002" // __SO_ACCEPTCON, SOCK_DGRAM
	proc.EachLine(fmt.Sprintf("/proc/%d/net/unix", pid), func(f []string) {
		if len(f) >= 8 && sockets["socket:["+f[6]+"]"] && (f[3] == accepts || f[4] == datagram) {
			all = append(all, heldAddress{name: nameFor(pid, strings.Join(f[7:], " "))})
		}
	})
	slices.SortFunc(all, func(a, b heldAddress) int { return strings.Compare(a.name, b.name) })
	return all
}

package proc

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// EachDescriptor calls do for each descriptor of a process, with the file that the
// descriptor is open on: a path, or "socket:[4711]".
func EachDescriptor(pid int, do func(fd, to string)) {
	fds, _ := Names(fmt.Sprintf("/proc/%d/fd", pid))
	for _, fd := range fds {
		if to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd)); err == nil {
			do(fd, to)
		}
	}
}

// EachOfWorkers calls do for each descriptor of workers and their descendants,
// orphans included.
func EachOfWorkers(workers []int, do func(pid int, fd, to string)) {
	for _, worker := range workers {
		for _, pid := range slices.Concat(Tree(worker), strays(worker)) {
			EachDescriptor(pid, func(fd, to string) { do(pid, fd, to) })
		}
	}
}

// strays lists the orphans in a worker's process group that have become
// children of this process, and their descendants.
func strays(worker int) (pids []int) {
	for _, child := range Children(os.Getpid()) {
		if group, err := unix.Getpgid(child); err == nil && group == worker && child != worker {
			pids = append(pids, Tree(child)...)
		}
	}
	return pids
}

// SocketInode returns the inode of the socket that a link of /proc/PID/fd leads
// to, or 0 if that is not a socket.
func SocketInode(link string) uint64 {
	number, ok := strings.CutPrefix(link, "socket:[")
	if !ok {
		return 0
	}
	inode, _ := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64)
	return inode
}

// Sockets returns the inodes of all sockets of a worker and its descendants.
func Sockets(worker int) map[uint64]bool {
	held := map[uint64]bool{}
	EachOfWorkers([]int{worker}, func(_ int, _, to string) {
		held[SocketInode(to)] = true
	})
	return held
}

// Holds returns the first of these sockets that a process has, or 0.
func Holds(pid int, inodes []uint64) (first uint64) {
	EachDescriptor(pid, func(_, to string) {
		if inode := SocketInode(to); first == 0 && slices.Contains(inodes, inode) {
			first = inode
		}
	})
	return first
}

// AnyHolds reports whether a process, or a descendant of one, has a socket.
func AnyHolds(pids []int, inode uint64) bool {
	for _, parent := range pids {
		for _, pid := range Tree(parent) {
			if Holds(pid, []uint64{inode}) != 0 {
				return true
			}
		}
	}
	return false
}

// Lock is a line of /proc/locks, or a line of /proc/PID/fdinfo/FD after
// "lock:", which has the same form (proc_locks(5)):
//
//	2: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF
//	2: -> FLOCK  ADVISORY  WRITE 4712 08:01:1234 0 EOF
type Lock struct {
	Waits bool   // the process waits for the lock
	Write bool   // the lock is exclusive
	PID   int    // -1: of an open file description
	Inode string // device and inode: "08:01:1234"
}

// ParseLock reads one line.
func ParseLock(line string) (l Lock, ok bool) {
	f := strings.Fields(line)
	if len(f) > 1 && f[1] == "->" {
		l.Waits, f = true, slices.Delete(f, 1, 2)
	}
	if len(f) < 6 || !slices.Contains([]string{"FLOCK", "POSIX", "OFDLCK"}, f[1]) {
		return Lock{}, false
	}
	pid, err := strconv.Atoi(f[4])
	l.Write, l.PID, l.Inode = f[3] == "WRITE", pid, f[5]
	return l, err == nil
}

// Locks reads the locks in the text of /proc/PID/fdinfo/FD.
func Locks(fdinfo []byte) (all []Lock) {
	for line := range strings.Lines(string(fdinfo)) {
		if rest, ok := strings.CutPrefix(line, "lock:"); ok {
			if l, ok := ParseLock(rest); ok {
				all = append(all, l)
			}
		}
	}
	return all
}

package ready

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"golang.org/x/sys/unix"
)

// Inspect looks at a worker, a child of this process, and at its descendants:
// the children of a prefork server are the processes that accept.
func Inspect(pid int, sockets []uint64) (s Sight) {
	waits, mayWait := map[uint64]bool{}, map[uint64]bool{}
	for _, p := range proc.Tree(pid) {
		v := viewOf(p, sockets)
		for _, inode := range v.Waits {
			waits[inode] = true
		}
		for _, inode := range v.MayWait {
			mayWait[inode] = true
		}
		switch {
		case v.refused != nil && !proc.SeenExiting(p):
			s.Unreadable = v.refused
		case s.Unreadable == nil:
			s.Unreadable = hidden(p)
		}
	}
	if err := procShows(); err != nil && len(waits) == 0 {
		s.Unreadable = err
	}
	for _, inode := range sockets {
		switch {
		case waits[inode]:
			s.Waits = append(s.Waits, inode)
		case mayWait[inode]:
			s.MayWait = append(s.MayWait, inode)
		}
	}
	return s
}

// procShows returns why /proc does not show what processes wait for, or nil if
// it does: /proc is not mounted, or does not show system calls or epoll sets, as
// in gVisor. It reads about this process, which is always permitted.
func procShows() error {
	if _, err := os.ReadFile("/proc/thread-self/syscall"); err != nil {
		return err
	}
	inner, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil // no descriptors are left, for example
	}
	defer unix.Close(inner)
	outer, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	defer unix.Close(outer)
	if unix.EpollCtl(outer, unix.EPOLL_CTL_ADD, inner, &unix.EpollEvent{Events: unix.EPOLLIN}) != nil {
		return nil
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", outer))
	if err == nil && len(registrations(b)) == 0 {
		err = errors.New("/proc/self/fdinfo does not show epoll sets")
	}
	return err
}

// hidden returns the error of looking for a live process in /proc, which may be
// mounted with hidepid (proc(5)). It returns nil if the process is found or has
// exited.
func hidden(pid int) error {
	_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	if err != nil && unix.Kill(pid, 0) == unix.ESRCH {
		return nil
	}
	return err
}

// view is what /proc shows of one process.
type view struct {
	Waits   []uint64 // inodes of sockets on which the process waits for connections
	MayWait []uint64 // inodes of sockets on which it may wait, which can't be seen
	refused error    // the first error of reading; nil: everything could be read
}

// viewOf looks at the epoll sets and io_uring(7) rings of a process, and at the
// system calls that its threads are blocked in.
func viewOf(pid int, asked []uint64) (v view) {
	read := func(format string, args ...any) []byte {
		b, err := os.ReadFile(fmt.Sprintf(format, args...))
		v.refuse(err)
		return b
	}
	sockets := map[int]uint64{}
	var polls, rings []string
	fds, err := proc.Names(fmt.Sprintf("/proc/%d/fd", pid))
	v.refuse(err)
	for _, fd := range fds {
		to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd))
		v.refuse(err)
		switch to {
		case "anon_inode:[eventpoll]":
			polls = append(polls, fd)
		case "anon_inode:[io_uring]":
			rings = append(rings, fd)
		}
		if inode := proc.SocketInode(to); inode != 0 {
			number, _ := strconv.Atoi(fd)
			sockets[number] = inode
		}
	}
	for _, fd := range polls {
		for _, r := range registrations(read("/proc/%d/fdinfo/%s", pid, fd)) {
			switch {
			case !r.reads() || !slices.Contains(asked, r.inode):
			case r.byRuntime() && !r.parked(pid):
				v.MayWait = append(v.MayWait, r.inode)
			default:
				v.Waits = append(v.Waits, r.inode)
			}
		}
	}
	for _, fd := range rings {
		if acceptsInRing(read("/proc/%d/fdinfo/%s", pid, fd)) {
			v.MayWait = slices.AppendSeq(v.MayWait, maps.Values(sockets))
		}
	}
	tasks, _ := proc.Names(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		for _, fd := range blockedOn(pid, task, read("/proc/%d/task/%s/syscall", pid, task)) {
			if sockets[fd] != 0 {
				v.Waits = append(v.Waits, sockets[fd])
			}
		}
	}
	return v
}

// refuse records the first error of reading. A descriptor or thread that has
// disappeared is not an error.
func (v *view) refuse(err error) {
	if v.refused == nil && err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
		v.refused = err
	}
}

package ready

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"golang.org/x/sys/unix"
)

// Inspect looks at a worker, a child of this process, and at its descendants:
// the children of a prefork server are the processes that accept. The sockets of
// the Look are in the order of sockets; Current is not set.
func Inspect(pid int, sockets []uint64) (l Look) {
	waits, mayWait := map[uint64]bool{}, map[uint64]bool{}
	for _, p := range proc.Tree(pid) {
		refused := inspect(p, sockets, waits, mayWait)
		switch {
		case refused != nil && !proc.Exiting(p):
			l.Unreadable = refused
		case l.Unreadable == nil:
			l.Unreadable = hidden(p)
		}
	}
	if err := procShows(); err != nil && len(waits) == 0 {
		l.Unreadable = err
	}
	for _, inode := range sockets {
		switch {
		case waits[inode]:
			l.Waits = append(l.Waits, inode)
		case mayWait[inode]:
			l.MayWait = append(l.MayWait, inode)
		}
	}
	return l
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

// inspect looks at the epoll sets and io_uring(7) rings of one process, and at the
// system calls that its threads are blocked in. It adds to the inodes of the
// sockets on which the process waits, or may wait, for connections. refused is the
// first error of reading; a descriptor or thread that has disappeared is not one.
func inspect(pid int, asked []uint64, waits, mayWait map[uint64]bool) (refused error) {
	refuse := func(err error) {
		if refused == nil && err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
			refused = err
		}
	}
	read := func(format string, args ...any) []byte {
		b, err := os.ReadFile(fmt.Sprintf(format, args...))
		refuse(err)
		return b
	}
	sockets := map[int]uint64{}
	var polls, rings []string
	fds, err := proc.Names(fmt.Sprintf("/proc/%d/fd", pid))
	refuse(err)
	for _, fd := range fds {
		to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd))
		refuse(err)
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
				mayWait[r.inode] = true
			default:
				waits[r.inode] = true
			}
		}
	}
	for _, fd := range rings {
		if acceptsInRing(read("/proc/%d/fdinfo/%s", pid, fd)) {
			for _, inode := range sockets {
				mayWait[inode] = true
			}
		}
	}
	tasks, _ := proc.Names(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		for _, fd := range blockedOn(pid, read("/proc/%d/task/%s/syscall", pid, task)) {
			if inode := sockets[fd]; inode != 0 {
				waits[inode] = true
			}
		}
	}
	return refused
}

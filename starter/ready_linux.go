package starter

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"golang.org/x/sys/unix"
)

// sightOf looks at a worker, a child of this process, and at the processes
// below it: a prefork server's children are the ones that accept.
func sightOf(pid int, sockets []uint64) (s sight) {
	waits, maybe := map[uint64]bool{}, map[uint64]bool{}
	for _, p := range proc.Tree(pid) {
		v := viewOf(p, sockets)
		for _, inode := range v.waits {
			waits[inode] = true
		}
		for _, inode := range v.maybe {
			maybe[inode] = true
		}
		switch {
		case v.refused != nil && !proc.SeenExiting(p):
			s.blind = v.refused
		case s.blind == nil:
			s.blind = hidden(p)
		}
	}
	if err := procShows(); err != nil && len(waits) == 0 {
		s.blind = err
	}
	for _, inode := range sockets {
		switch {
		case waits[inode]:
			s.waits = append(s.waits, inode)
		case maybe[inode]:
			s.maybe = append(s.maybe, inode)
		}
	}
	return s
}

// procShows returns why /proc does not show what processes wait for: it is not
// mounted, or its system calls or epoll sets are missing, as in gVisor. It looks
// at this process, which may always look at itself.
func procShows() error {
	if _, err := os.ReadFile("/proc/thread-self/syscall"); err != nil {
		return err
	}
	inner, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil // for want of descriptors, for example
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

// hidden returns why a living process can't be found in /proc: that is mounted
// with hidepid, see proc(5).
func hidden(pid int) error {
	_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	if err != nil && unix.Kill(pid, 0) == unix.ESRCH {
		return nil
	}
	return err
}

// A view is what /proc shows of one process: the inodes of sockets.
type view struct {
	waits   []uint64 // it waits for connections on these
	maybe   []uint64 // it may do so: that can't be seen
	refused error    // why not everything could be read
}

// viewOf looks at what a process has in an epoll set or an io_uring(7), and at
// what one of its threads is in accept(2), poll(2) or select(2) on.
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
				v.maybe = append(v.maybe, r.inode)
			default:
				v.waits = append(v.waits, r.inode)
			}
		}
	}
	for _, fd := range rings {
		if acceptsInRing(read("/proc/%d/fdinfo/%s", pid, fd)) {
			v.maybe = slices.AppendSeq(v.maybe, maps.Values(sockets))
		}
	}
	tasks, _ := proc.Names(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		b := read("/proc/%d/task/%s/syscall", pid, task)
		waited := polledBy(pid, task, b)
		if fd, ok := accepts(b); ok {
			waited = append(waited, fd)
		}
		for _, fd := range waited {
			if sockets[fd] != 0 {
				v.waits = append(v.waits, sockets[fd])
			}
		}
	}
	return v
}

// refuse notes why something could not be read, but not that what a process
// has comes and goes.
func (v *view) refuse(err error) {
	if v.refused == nil && err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
		v.refused = err
	}
}

// accepts reads /proc/PID/task/TID/syscall, "288 0x3 0x0 ...", and returns
// the descriptor that the thread waits on if it is in accept(2) or accept4(2).
func accepts(syscall []byte) (fd int, ok bool) {
	fields := strings.Fields(string(syscall))
	if len(fields) < 2 {
		return 0, false
	}
	number, err := strconv.Atoi(fields[0])
	if err != nil || !slices.Contains(acceptCalls, number) {
		return 0, false
	}
	n, err := strconv.ParseUint(fields[1], 0, 64)
	return int(n), err == nil
}

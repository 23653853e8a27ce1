package starter

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// canSeeWaiters reports whether /proc shows what processes wait for.
func canSeeWaiters() bool {
	_, err := os.Stat("/proc/self/fdinfo")
	return err == nil
}

// lookFor tells on how many of the sockets the worker, or a process that it
// has forked, waits for connections now.
func lookFor(pid int, inodes []uint64) seen {
	found := map[uint64]bool{}
	for _, p := range family(pid) {
		for _, inode := range waitsOn(p) {
			if slices.Contains(inodes, inode) {
				found[inode] = true
			}
		}
	}
	switch {
	case len(found) == len(inodes):
		return seenAll
	case len(found) > 0:
		return seenSome
	case forbidden(pid):
		return seenBlind
	}
	return seenNone
}

// exiting reports whether a process has begun to end, or has ended: it then
// waits for nothing any more. Its flags are in /proc/PID/stat (proc(5)).
func exiting(pid int) bool {
	const flagged = 0x4 // PF_EXITING of the kernel's sched.h
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if err != nil || len(f) < 7 {
		return true
	}
	flags, err := strconv.ParseUint(f[6], 10, 32)
	return err != nil || flags&flagged != 0
}

// forbidden reports whether a process may not be looked at, as that of a
// user whom it has changed to.
func forbidden(pid int) bool {
	f, err := os.Open(fmt.Sprintf("/proc/%d/fd", pid))
	if err == nil {
		f.Close()
	}
	return errors.Is(err, fs.ErrPermission)
}

// family is pid and everything below it: a prefork server's children are
// the ones that accept.
func family(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children(all[i])...)
	}
	return all
}

func children(pid int) []int {
	var all []int
	for _, task := range list(fmt.Sprintf("/proc/%d/task", pid)) {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task))
		for field := range strings.FieldsSeq(string(b)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// waitsOn lists the inodes of the sockets that a process has in an epoll
// set, or that one of its threads is in accept(2), poll(2) or select(2) on.
func waitsOn(pid int) []uint64 {
	var inodes []uint64
	sockets := map[int]uint64{}
	var polls []string
	for _, fd := range list(fmt.Sprintf("/proc/%d/fd", pid)) {
		to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd))
		if to == "anon_inode:[eventpoll]" {
			polls = append(polls, fd)
		}
		var inode uint64
		if n, _ := fmt.Sscanf(to, "socket:[%d]", &inode); n == 1 {
			number, _ := strconv.Atoi(fd)
			sockets[number] = inode
		}
	}
	for _, fd := range polls {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%s", pid, fd))
		inodes = append(inodes, polled(b)...)
	}
	for _, task := range list(fmt.Sprintf("/proc/%d/task", pid)) {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/syscall", pid, task))
		waited := polledBy(pid, task, b)
		if fd, ok := accepts(b); ok {
			waited = append(waited, fd)
		}
		for _, fd := range waited {
			if sockets[fd] != 0 {
				inodes = append(inodes, sockets[fd])
			}
		}
	}
	return inodes
}

// polled reads the inodes out of an epoll descriptor's fdinfo, whose lines
// are "tfd: 5 events: 2019 data: ... pos:0 ino:1a2b sdev:8" (proc(5)). The
// inode is in hexadecimal.
func polled(fdinfo []byte) []uint64 {
	var inodes []uint64
	for line := range bytes.Lines(fdinfo) {
		if !bytes.HasPrefix(line, []byte("tfd:")) {
			continue
		}
		for field := range bytes.FieldsSeq(line) {
			if hex, ok := bytes.CutPrefix(field, []byte("ino:")); ok {
				if inode, err := strconv.ParseUint(string(hex), 16, 64); err == nil {
					inodes = append(inodes, inode)
				}
			}
		}
	}
	return inodes
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

func list(dir string) []string {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	return names
}

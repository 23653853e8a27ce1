package starter

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// What /proc shows of processes; proc(5).

// processes lists all but this one.
func processes() (pids []int) {
	for _, name := range list("/proc") {
		if pid, err := strconv.Atoi(name); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// variables lists the environment that a process was started with: "NAME=value".
// A zombie, and one that has overwritten it, as for a title of its own, has none.
func variables(pid int) []string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return strings.Split(string(b), "\x00")
}

// statOf returns fields of /proc/PID/stat: STATE PPID PGRP SESSION TTY TPGID FLAGS ...
// The command before them may have anything in it.
func statOf(stat []byte) []string {
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
}

// eachLink calls do for each descriptor of a process.
func eachLink(pid int, do func(fd, to string)) {
	for _, fd := range list(fmt.Sprintf("/proc/%d/fd", pid)) {
		if to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd)); err == nil {
			do(fd, to)
		}
	}
}

// socketOf is the inode of the socket to which a link leads, or 0.
func socketOf(link string) uint64 {
	number, ok := strings.CutPrefix(link, "socket:[")
	if !ok {
		return 0
	}
	inode, _ := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64)
	return inode
}

// locksIn reads /proc/PID/fdinfo/FD.
func locksIn(fdinfo []byte) (all []lockLine) {
	for line := range strings.Lines(string(fdinfo)) {
		if rest, ok := strings.CutPrefix(line, "lock:"); ok {
			if l, ok := parseLock(rest); ok {
				all = append(all, l)
			}
		}
	}
	return all
}

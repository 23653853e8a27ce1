package starter

import (
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// leftoversOf looks for processes that hold one of these sockets and were
// started by one of these workers: one entry for a process.
func leftoversOf(workers []Worker, inodes []uint64) []leftover {
	var found []leftover
	for _, pid := range processes() {
		inode := holds(pid, inodes)
		for _, w := range workers {
			if inode != 0 && pid != w.PID && isOf(pid, w) {
				found = append(found, leftover{w, processName(pid), inode})
			}
		}
	}
	return found
}

// detachedOf lists the processes that a worker, which has ended, has started and that
// have left its process group: that group was ended with it.
func detachedOf(mark string, w Worker) []int {
	if mark == "" {
		return nil
	}
	return slices.DeleteFunc(marked(mark), func(pid int) bool {
		group, err := unix.Getpgid(pid)
		return err != nil || group == w.PID || !isOf(pid, w)
	})
}

// holds returns the first of these sockets that a process has, or 0.
func holds(pid int, inodes []uint64) (first uint64) {
	eachLink(pid, func(_, to string) {
		if inode := socketOf(to); first == 0 && slices.Contains(inodes, inode) {
			first = inode
		}
	})
	return first
}

// isOf reports whether a process has the environment of a worker. Together with
// one of this process's sockets, or its mark, that tells who started it.
func isOf(pid int, w Worker) bool {
	return slices.Contains(variables(pid), "SERVER_STARTER_GENERATION="+strconv.Itoa(w.Generation))
}

// processName names a process: `pid 4711 (python3 -m http.server)`.
func processName(pid int) string {
	return fmt.Sprintf("pid %d (%s)", pid, commandLine(strconv.Itoa(pid)))
}

package starter

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// leftoversOf looks for processes that hold one of these sockets and, by their
// environment, were started by one of these workers: one entry for a process.
func leftoversOf(workers []Worker, inodes []uint64) []leftover {
	var found []leftover
	for _, name := range list("/proc") {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == os.Getpid() {
			continue
		}
		inode := holds(pid, inodes)
		if inode == 0 {
			continue
		}
		generation := generationIn(pid)
		for _, w := range workers {
			if generation == w.Generation && pid != w.PID {
				found = append(found, leftover{w, processName(pid), inode})
			}
		}
	}
	return found
}

// holds returns the first of these sockets that a process has, or 0.
func holds(pid int, inodes []uint64) uint64 {
	dir := fmt.Sprintf("/proc/%d/fd/", pid)
	for _, fd := range list(dir) {
		link, _ := os.Readlink(dir + fd)
		number, is := strings.CutPrefix(link, "socket:[")
		if inode, err := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64); is && err == nil && slices.Contains(inodes, inode) {
			return inode
		}
	}
	return 0
}

// generationIn is SERVER_STARTER_GENERATION of a process, or 0. Together with
// one of this process's sockets it tells which worker started it. A process
// that has overwritten its environment, as for a title of its own, has none.
func generationIn(pid int) int {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	for v := range bytes.SplitSeq(b, []byte{0}) {
		if value, is := bytes.CutPrefix(v, []byte("SERVER_STARTER_GENERATION=")); is {
			n, _ := strconv.Atoi(string(value))
			return n
		}
	}
	return 0
}

// processName names a process: `pid 4711 (python3 -m http.server)`.
func processName(pid int) string {
	return fmt.Sprintf("pid %d (%s)", pid, commandLine(strconv.Itoa(pid)))
}

package control

import (
	"fmt"
	"os"
	"strings"
)

// Connections returns the number of established TCP connections of a process to a port
// on which some process of its network namespace listens: connections of clients. It
// reads /proc, and returns false if /proc does not show the process.
func Connections(pid int) (n int, ok bool) {
	own := socketsOf(pid)
	if own == nil {
		return 0, false
	}
	for _, table := range []string{"tcp", "tcp6"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil && table == "tcp" {
			return 0, false
		}
		n += clientsIn(string(b), own)
	}
	return n, true
}

// Values of the column st of /proc/net/tcp, see include/net/tcp_states.h of Linux.
const (
	stateEstablished = "01"
	stateListen      = "0A"
)

// clientsIn counts the established connections in a table whose inode is among own, and
// whose local port has a listener.
func clientsIn(table string, own map[string]bool) (n int) {
	listens := map[string]bool{}
	var established []string // local ports
	for line := range strings.Lines(table) {
		f := strings.Fields(line) // sl local remote st queues timer retrnsmt uid timeout inode …
		if len(f) < 10 {
			continue
		}
		port := f[1][strings.LastIndexByte(f[1], ':')+1:]
		switch {
		case f[3] == stateListen:
			listens[port] = true
		case f[3] == stateEstablished && own[f[9]]:
			established = append(established, port)
		}
	}
	for _, port := range established {
		if listens[port] {
			n++
		}
	}
	return n
}

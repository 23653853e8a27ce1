package control

import (
	"fmt"
	"os"
	"strings"
)

// socketOf returns the path of the control socket of a hotstart, which may be anywhere,
// or "". /proc shows the sockets of a process of the same user.
func socketOf(pid int) string {
	inodes := socketsOf(pid)
	table, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/unix", pid))
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line) // Num RefCount Protocol Flags Type St Inode Path
		if len(f) < 8 || !inodes[f[6]] {
			continue
		}
		// The path is that of the bind. The lock tells it from sockets of the program.
		bound := strings.TrimSpace(line[strings.Index(line, " "+f[6]+" ")+len(f[6])+2:])
		if path, ok := strings.CutSuffix(bound, bindSuffix); ok && pidIn(path+lockSuffix) == pid {
			return path
		}
	}
	return ""
}

// socketsOf returns the inodes of the sockets of a process, or nil if /proc does not show
// the process.
func socketsOf(pid int) map[string]bool {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return nil
	}
	inodes := map[string]bool{}
	for _, e := range entries {
		to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, e.Name()))
		if inode, isSocket := strings.CutPrefix(to, "socket:["); isSocket {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return inodes
}

package starter

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hotstart/hotstart/starter/internal/proc"
)

// Holder names the process that listens on a, from /proc: `pid 4711
// (python3 -m http.server)`. It is empty if none can be seen, as another
// user's can't.
func PortOwner(a Address) string {
	inodes := listenersOn(a)
	if len(inodes) == 0 {
		return ""
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		to, err := os.Readlink(link)
		if err != nil || !inodes[to] {
			continue
		}
		pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
		return proc.Name(pid)
	}
	return ""
}

// listenersOn returns the sockets that listen where a would, named as the
// links in /proc/PID/fd name them.
func listenersOn(a Address) map[string]bool {
	inodes := map[string]bool{}
	if a.Network == "unix" {
		// Num RefCount Protocol Flags Type St Inode Path
		proc.EachLine("/proc/net/unix", func(f []string) {
			if len(f) >= 8 && samePath(strings.Join(f[7:], " "), a.Path) {
				inodes["socket:["+f[6]+"]"] = true
			}
		})
		return inodes
	}
	const listen, unconnected = "0A", "07" // include/net/tcp_states.h
	table, state := a.Network[:3], listen
	if table == "udp" {
		state = unconnected
	}
	port := fmt.Sprintf(":%04X", a.Port)
	for _, file := range []string{"/proc/net/" + table, "/proc/net/" + table + "6"} {
		// sl local_address rem_address st queues timer retransmits uid timeout inode
		proc.EachLine(file, func(f []string) {
			if len(f) > 9 && f[3] == state && strings.HasSuffix(f[1], port) {
				inodes["socket:["+f[9]+"]"] = true
			}
		})
	}
	return inodes
}

package control

import (
	"os"
	"strconv"
	"strings"
)

// ListenDrops returns how many connections the kernel has dropped from full listen
// queues since the network namespace exists: TcpExt ListenDrops of proc_pid_net(5), of
// every program in the namespace. ListenOverflows is a part of it.
func ListenDrops() (int64, bool) {
	b, err := os.ReadFile("/proc/self/net/netstat")
	if err != nil {
		return 0, false
	}
	var names []string
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "TcpExt:" {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i, name := range names {
			if name == "ListenDrops" && i < len(fields) {
				n, err := strconv.ParseInt(fields[i], 10, 64)
				return n, err == nil
			}
		}
	}
	return 0, false
}

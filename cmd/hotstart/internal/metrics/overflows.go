package metrics

import (
	"os"
	"strconv"
	"strings"
)

// overflows returns ListenOverflows of /proc/net/netstat: connections that the kernel
// has dropped since it started because the listen queue of a socket was full, in the
// network namespace of hotstart. ok is false if the system does not count them.
func overflows() (n int64, ok bool) {
	b, err := os.ReadFile("/proc/self/net/netstat")
	if err != nil {
		return 0, false
	}
	var names []string
	for line := range strings.Lines(string(b)) { // two lines of each protocol: names, values
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "TcpExt:" {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i, name := range names {
			if name == "ListenOverflows" && i < len(fields) {
				n, err := strconv.ParseInt(fields[i], 10, 64)
				return n, err == nil
			}
		}
	}
	return 0, false
}

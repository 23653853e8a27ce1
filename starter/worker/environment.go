package worker

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

const portsVariable = "SERVER_STARTER_PORT"

// port is one entry of SERVER_STARTER_PORT.
type port struct {
	key string // as given to --port or --path; empty for a socket known from LISTEN_FDS alone
	fd  int
}

// parsePorts reads the value of SERVER_STARTER_PORT. An empty value has no sockets. The descriptor follows the last
// equals sign, because a path may contain one.
func parsePorts(value string) ([]port, error) {
	if value == "" {
		return nil, nil
	}
	var ports []port
	for _, entry := range entries(value) {
		eq := strings.LastIndexByte(entry, '=')
		if eq < 1 {
			return nil, fmt.Errorf("reading %s: %q is not address=descriptor", portsVariable, entry)
		}
		fd, err := parseNumber(entry[eq+1:])
		if err != nil {
			return nil, fmt.Errorf("reading %s: the descriptor of %q is %w", portsVariable, entry, err)
		}
		ports = append(ports, port{key: entry[:eq], fd: fd})
	}
	return ports, nil
}

// entries splits SERVER_STARTER_PORT at each semicolon after a number: any other semicolon belongs to a path.
func entries(value string) (all []string) {
	start := 0
	for i := range value {
		if value[i] == ';' && ended.MatchString(value[start:i]) {
			all = append(all, value[start:i])
			start = i + 1
		}
	}
	return append(all, value[start:])
}

var ended = regexp.MustCompile(`=\d+$`)

// listenStart is the first descriptor that systemd passes (SD_LISTEN_FDS_START).
const listenStart = 3

// maxDescriptors limits a loop over a wrong number. The kernel's default limit (fs.nr_open) is the same.
const maxDescriptors = 1 << 20

// parseListenFDs reads LISTEN_FDS and LISTEN_PID as sd_listen_fds(3) does. It ignores variables for another process: a
// child process inherits the variables of its parent.
func parseListenFDs(lookup func(string) (string, bool), pid int) ([]port, error) {
	forPid, _ := lookup("LISTEN_PID")
	count, isSet := lookup("LISTEN_FDS")
	if !isSet || forPid != strconv.Itoa(pid) {
		return nil, nil
	}
	n, err := parseNumber(count)
	if err != nil {
		return nil, fmt.Errorf("reading LISTEN_FDS: it is %w", err)
	}
	var ports []port
	for fd := listenStart; fd < listenStart+n; fd++ {
		ports = append(ports, port{fd: fd})
	}
	return ports, nil
}

// parseNumber reads a descriptor, or a count of them, in plain decimal digits.
func parseNumber(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || n > maxDescriptors {
		return 0, fmt.Errorf("not a number from 0 to %d: %q", maxDescriptors, s)
	}
	return int(n), nil
}

// mergePorts returns the ports of both, each descriptor once: hotstart names the same sockets in both variables.
// The ports of named come first.
func mergePorts(named, numbered []port) []port {
	seen := make(map[int]bool)
	var all []port
	for _, p := range append(named[:len(named):len(named)], numbered...) {
		if !seen[p.fd] {
			seen[p.fd] = true
			all = append(all, p)
		}
	}
	return all
}

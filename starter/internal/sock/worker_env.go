package sock

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ownVariables lists the variables by which a service manager or another
// superdaemon describes this process: sd_listen_fds(3), sd_notify(3),
// sd_watchdog_enabled(3). They do not apply to a worker.
func ownVariables() []string {
	return []string{
		"SERVER_STARTER_PORT", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID", "LISTEN_PIDFDID",
		"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
		"HOTSTART_FD",
	}
}

// Environment returns the environment of a worker: base without ownVariables,
// with more, and with the announcement of the sockets: in SERVER_STARTER_PORT, of
// start_server, and in LISTEN_FDS, of sd_listen_fds(3), to which the exec stage adds
// LISTEN_PID.
func (m FDMap) Environment(base []string, sockets []*Socket, generation int, serverStarter, systemd bool, more ...string) []string {
	var ports []string
	names := make([]string, m.contiguous)
	for i, s := range sockets {
		ports = append(ports, fmt.Sprintf("%s=%d", s.Key, m.numbers[i]))
		if at := m.numbers[i] - firstFD; at >= 0 && at < m.contiguous {
			names[at] = s.name()
		}
	}
	set := more
	if serverStarter {
		set = append(set, "SERVER_STARTER_PORT="+strings.Join(ports, ";"))
	}
	set = append(set, "SERVER_STARTER_GENERATION="+strconv.Itoa(generation))
	if systemd && m.contiguous > 0 {
		set = append(set,
			"LISTEN_FDS="+strconv.Itoa(m.contiguous),
			"LISTEN_FDNAMES="+strings.Join(names, ":"))
	}
	if m.broker >= 0 {
		set = append(set, "HOTSTART_FD="+strconv.Itoa(m.broker))
	}
	replaced := ownVariables()
	for _, v := range set {
		replaced = append(replaced, nameOf(v))
	}
	base = slices.DeleteFunc(slices.Clone(base), func(v string) bool { return slices.Contains(replaced, nameOf(v)) })
	return append(base, set...)
}

func nameOf(variable string) string {
	name, _, _ := strings.Cut(variable, "=")
	return name
}

// name returns the name of the socket in LISTEN_FDNAMES, which can't contain a
// colon: tcp-8080, udp-53, tcp-127.0.0.1-9000. Unlike the key, it distinguishes
// tcp and udp on one port.
func (s *Socket) name() string {
	return strings.TrimRight(s.Network, "46") + "-" + strings.ReplaceAll(s.Key, ":", "-")
}

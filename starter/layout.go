package starter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// firstFD is where inherited sockets begin: SD_LISTEN_FDS_START of systemd.
const firstFD = 3

// The ways in which a worker receives its sockets.
const (
	DialectServerStarter = "server-starter" // SERVER_STARTER_PORT, of Perl's Server::Starter
	DialectSystemd       = "systemd"        // LISTEN_FDS, LISTEN_FDNAMES and LISTEN_PID, of sd_listen_fds(3)
	DialectHotstart      = "hotstart"       // HOTSTART_FD, of starter/worker
)

// Dialects lists all of them.
func Dialects() []string { return []string{DialectServerStarter, DialectSystemd, DialectHotstart} }

// ParseDialects reads a list of dialects with commas between them.
func ParseDialects(s string) ([]string, error) {
	var all []string
	for name := range strings.SplitSeq(s, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(Dialects(), name) {
			return nil, fmt.Errorf("unknown dialect %q; want one or more of %s", name, strings.Join(Dialects(), ","))
		}
		all = append(all, name)
	}
	return all, nil
}

// speaks reports whether workers are told of their sockets in a dialect.
func (o Options) speaks(dialect string) bool {
	return o.Dialects == nil || slices.Contains(o.Dialects, dialect)
}

// A layout says which descriptor of this process a worker gets at which
// number, and what the environment tells it about that.
type layout struct {
	files      []int // by the worker's number; -1: closed
	numbers    []int // the worker's number of each socket
	broker     int   // the worker's number of the broker; -1: none
	contiguous int   // sockets from firstFD on without a gap
	portless   bool  // SERVER_STARTER_PORT is not set
}

// arrange gives pinned sockets their numbers, the others the lowest free
// ones from 3 up, and the broker the next one.
func arrange(stdio [3]int, sockets []*socket, broker int) layout {
	l := layout{files: stdio[:], broker: -1}
	put := func(fd, at int) {
		for len(l.files) <= at {
			l.files = append(l.files, -1)
		}
		l.files[at] = fd
	}
	for _, s := range sockets {
		if s.FD >= 0 {
			put(s.fd, s.FD)
		}
	}
	free := func() int {
		at := firstFD
		for at < len(l.files) && l.files[at] >= 0 {
			at++
		}
		return at
	}
	for _, s := range sockets {
		at := s.FD
		if at < 0 {
			at = free()
			put(s.fd, at)
		}
		l.numbers = append(l.numbers, at)
	}
	for slices.Contains(l.numbers, firstFD+l.contiguous) {
		l.contiguous++
	}
	if broker >= 0 {
		l.broker = free()
		put(broker, l.broker)
	}
	return l
}

// ours lists what service managers, and another superdaemon, tell this process
// about itself, which is not true of a worker: sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3).
func ours() []string {
	return []string{
		"SERVER_STARTER_PORT", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID", "LISTEN_PIDFDID",
		"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
		"HOTSTART_FD",
	}
}

// environment adds to base what tells a worker of its sockets, in every
// dialect: SERVER_STARTER_PORT (start_server), LISTEN_FDS (sd_listen_fds(3);
// LISTEN_PID is set by the worker's exec stage, which alone knows it) and
// HOTSTART_FD. What base says of them is about another process and goes.
func (l layout) environment(base []string, sockets []*socket, generation int, more ...string) []string {
	var ports []string
	names := make([]string, l.contiguous)
	for i, s := range sockets {
		ports = append(ports, fmt.Sprintf("%s=%d", s.Key, l.numbers[i]))
		if at := l.numbers[i] - firstFD; at >= 0 && at < l.contiguous {
			names[at] = s.name()
		}
	}
	set := more
	if !l.portless {
		set = append(set, "SERVER_STARTER_PORT="+strings.Join(ports, ";"))
	}
	set = append(set, "SERVER_STARTER_GENERATION="+strconv.Itoa(generation))
	if l.contiguous > 0 {
		set = append(set,
			"LISTEN_FDS="+strconv.Itoa(l.contiguous),
			"LISTEN_FDNAMES="+strings.Join(names, ":"))
	}
	if l.broker >= 0 {
		set = append(set, "HOTSTART_FD="+strconv.Itoa(l.broker))
	}
	return overlay(without(base, ours()...), set)
}

// name is the socket's name in LISTEN_FDNAMES, which must not have a colon:
// tcp-8080, udp-53, tcp-127.0.0.1-9000. It tells tcp and udp on one port
// apart, as its key does not.
func (s *socket) name() string {
	return strings.TrimRight(s.Network, "46") + "-" + strings.ReplaceAll(s.Key, ":", "-")
}

// overlay is base with the variables of set, which win.
func overlay(base, set []string) []string {
	var names []string
	for _, v := range set {
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	return append(without(base, names...), set...)
}

// without is base without the variables of these names.
func without(base []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(base), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(names, name)
	})
}

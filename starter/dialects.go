package starter

import (
	"fmt"
	"slices"
	"strings"
)

// The ways in which a worker receives its sockets.
const (
	DialectServerStarter = "server-starter" // SERVER_STARTER_PORT, of Perl's Server::Starter
	DialectSystemd       = "systemd"        // LISTEN_FDS, LISTEN_FDNAMES and LISTEN_PID, of sd_listen_fds(3)
	DialectHotstart      = "hotstart"       // HOTSTART_FD, of starter/worker
)

// Dialects lists all dialects.
func Dialects() []string { return []string{DialectServerStarter, DialectSystemd, DialectHotstart} }

// ParseDialects parses a list of dialects that are separated by commas.
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

// speaks reports whether workers receive their sockets in a dialect.
func (o Options) speaks(dialect string) bool {
	return o.Dialects == nil || slices.Contains(o.Dialects, dialect)
}

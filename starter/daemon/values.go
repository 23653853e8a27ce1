package daemon

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseSeconds parses a duration as start_server's options have it, a number of
// seconds, or with its unit: 3, 0.5, 1m30s. The duration is never negative.
func ParseSeconds(s string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.TrimSpace(s))
	if n, err2 := strconv.ParseFloat(strings.TrimSpace(s), 64); err2 == nil {
		d, err = time.Duration(n*float64(time.Second)), nil
		if !(n >= 0 && n < 1e9) {
			d = -1
		}
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a time: want a number of seconds such as 1.5, or a duration such as 1m30s", s)
	}
	return d, nil
}

// ParseBacklog parses a backlog of listen(2) as start_server does, in decimal.
func ParseBacklog(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number of connections", s)
	}
	return int(n), nil
}

package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// seconds is a flag that takes a number of seconds, as start_server does, or
// a duration with its unit: 3, 0.5, 1m30s.
type seconds time.Duration

func (s *seconds) Set(value string) error {
	d, err := time.ParseDuration(value)
	if n, err2 := strconv.ParseFloat(value, 64); err2 == nil {
		d, err = time.Duration(n*float64(time.Second)), nil
		if !(n >= 0 && n < 1e9) {
			d = -1
		}
	}
	if err != nil || d < 0 {
		return fmt.Errorf("it is neither a number of seconds nor a duration like 1m30s")
	}
	*s = seconds(d)
	return nil
}

// String is 0, which the help leaves out, or a duration: 5m, not 5m0s.
func (s *seconds) String() string {
	if *s == 0 {
		return "0"
	}
	d := time.Duration(*s).String()
	if strings.HasSuffix(d, "m0s") {
		d = strings.TrimSuffix(d, "0s")
	}
	return d
}

func (*seconds) Type() string { return "seconds" }

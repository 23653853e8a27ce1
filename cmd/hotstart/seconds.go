package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/hotstart/hotstart/starter"
)

// seconds is a flag that takes a number of seconds, as start_server does, or
// a duration with its unit: 3, 0.5, 1m30s.
type seconds time.Duration

func (s *seconds) Set(value string) error {
	d, err := starter.ParseSeconds(value)
	if err == nil {
		*s = seconds(d)
	}
	return err
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

// backlog is a flag that takes a decimal number: pflag's own would take 010
// for 8.
type backlog int

func (b *backlog) Set(value string) error {
	n, err := starter.ParseBacklog(value)
	if err == nil {
		*b = backlog(n)
	}
	return err
}

func (b *backlog) String() string { return strconv.Itoa(int(*b)) }

func (*backlog) Type() string { return "n" }

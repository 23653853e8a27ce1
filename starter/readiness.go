package starter

import (
	"fmt"

	"github.com/hotstart/hotstart/starter/internal/ready"
)

// Readiness is a check whether a new worker serves. Besides the constants there
// are "http=URL", ready when the URL answers with a status below 400, and
// "tcp=ADDRESS", ready when the address accepts a connection. On Linux, an answer
// of an older worker does not count.
type Readiness string

const (
	// ReadyInterval considers a worker ready when it has run for
	// Options.Interval, as start_server does.
	ReadyInterval Readiness = "interval"
	// ReadyNotify waits for READY=1 on NOTIFY_SOCKET (sd_notify(3)), or for
	// "ready" on the broker.
	ReadyNotify Readiness = "notify"
	// ReadyAccept waits until the kernel shows that the worker waits for
	// connections on every inherited stream socket: one of its threads is in
	// accept(2), poll(2) or select(2), or the socket is in an epoll(7) set for
	// reading; or on some of them for Options.Interval. The runtimes of Go and of
	// Rust's tokio add each socket to epoll for reading and writing as soon as
	// the socket exists, which proves nothing: in Go, a goroutine must be in Accept.
	// A socket on which the worker may accept invisibly (Go before 1.21, tokio,
	// io_uring(7)) counts after Options.Interval in that state. ReadyAccept needs
	// no support by the program, but /proc and the permission to read the worker's
	// files there: otherwise it is ReadyInterval.
	ReadyAccept Readiness = "accept"
	// ReadyAuto is the first of ReadyNotify and ReadyAccept or, without sockets,
	// the first of ReadyNotify and ReadyInterval. A worker that sends "hello" on
	// the broker must send "ready", too: it knows best when it serves.
	ReadyAuto Readiness = "auto"
)

// ParseReadiness parses the name of a check.
func ParseReadiness(s string) (Readiness, error) {
	switch r := Readiness(s); r {
	case ReadyInterval, ReadyNotify, ReadyAccept, ReadyAuto:
		return r, nil
	}
	if p, err := ready.ParseProbe(s); p != nil || err != nil {
		return Readiness(s), err
	}
	return "", fmt.Errorf("unknown readiness check %q; want interval, notify, accept, auto, http=URL or tcp=ADDRESS", s)
}

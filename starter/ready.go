package starter

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Readiness is a way to tell that a new worker serves.
type Readiness string

const (
	// ReadyInterval trusts a worker that has outlived Options.Interval, as
	// start_server does.
	ReadyInterval Readiness = "interval"
	// ReadyNotify waits for READY=1 on NOTIFY_SOCKET (sd_notify(3)), or for
	// ready on the broker.
	ReadyNotify Readiness = "notify"
	// ReadyAccept waits until the kernel shows that the worker waits for
	// connections on every inherited stream socket: one of its threads is in
	// accept(2), poll(2) or select(2), or the socket is in an epoll(7) set for
	// reading; or on some of them for Options.Interval. The runtimes of Go and of
	// Rust's tokio put each socket into epoll for reading and writing as soon as
	// it is made, which proves nothing: there a goroutine must be in Accept.
	// A socket on which the worker may accept, but that can't be seen (Go before
	// 1.21, tokio, io_uring(7)), counts when it has been so for Options.Interval.
	// ReadyAccept needs nothing of the program, but /proc, and to be allowed to
	// read there of the worker: elsewhere it is ReadyInterval.
	ReadyAccept Readiness = "accept"
	// ReadyAuto is the first of ReadyNotify and ReadyAccept, and where there
	// is no socket to look for, the first of ReadyNotify and ReadyInterval.
	// A worker that says hello on the broker knows better than the kernel
	// and the clock when it serves: it must say ready.
	ReadyAuto Readiness = "auto"
)

// Further ways are "http=URL", ready when that answers with a status below
// 400, and "tcp=ADDRESS", when that accepts a connection. What an older
// worker accepts does not count, as far as Linux shows who does.

// ParseReadiness reads a way by its name.
func ParseReadiness(s string) (Readiness, error) {
	switch r := Readiness(s); r {
	case ReadyInterval, ReadyNotify, ReadyAccept, ReadyAuto:
		return r, nil
	}
	if p, err := parseProbe(s); p != nil || err != nil {
		return Readiness(s), err
	}
	return "", fmt.Errorf("no way of readiness is called %q; there are interval, notify, accept, auto, http=URL and tcp=ADDRESS", s)
}

// notifies reports whether a worker's own word counts.
func (r Readiness) notifies() bool { return r == ReadyNotify || r == ReadyAuto }

// looks reports whether what the kernel shows counts.
func (r Readiness) looks() bool { return r == ReadyAccept || r == ReadyAuto }

// watchFor blocks until the worker is seen to serve, without its word for
// it, and reports false if ctx ended first. older are the workers before it.
func (r Readiness) watchFor(ctx context.Context, pid int, older []int, inodes []uint64, interval time.Duration) bool {
	if p, _ := parseProbe(string(r)); p != nil {
		return p.until(ctx, older)
	}
	switch {
	case r.looks() && len(inodes) > 0 && canSeeWaiters():
		return watchWaiters(ctx, interval, func() seen { return lookFor(pid, inodes) })
	case r != ReadyNotify:
		return sleep(ctx, interval)
	}
	<-ctx.Done()
	return false
}

// seen is what one look at a worker shows of the sockets.
type seen int

const (
	seenNone  seen = iota
	seenBlind      // it may not be looked at
	seenSome
	seenAll
)

// watchWaiters looks again and again: often while a start is young, since a
// look takes 0.4 ms, and after 0.4 s 50 times a second. What is found is found
// at most a quarter of the start or 10 ms late, and 20 ms in a long
// one.
func watchWaiters(ctx context.Context, interval time.Duration, look func() seen) bool {
	const first, few, last = time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond
	var some time.Duration // that it has waited on some of them for
	var blind, passed time.Duration
	for {
		pause := min(max(first, min(passed/4, few), passed/20), last)
		switch look() {
		case seenAll:
			return true
		case seenSome:
			if some >= interval {
				return true
			}
			some += pause
		case seenBlind:
			if blind >= interval {
				return true
			}
			blind += pause
		case seenNone:
			some = 0
		}
		if !sleep(ctx, pause) {
			return false
		}
		passed += pause
	}
}

// sleep reports whether the time passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// saysReady reports whether a datagram of sd_notify(3) says so.
func saysReady(datagram string) bool {
	for line := range strings.SplitSeq(datagram, "\n") {
		if line == "READY=1" {
			return true
		}
	}
	return false
}

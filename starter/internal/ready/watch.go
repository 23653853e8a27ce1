// Package ready finds out whether a worker serves: by what the kernel shows of
// it, by a probe, and by the worker's own notification.
package ready

import (
	"context"
	"slices"
	"time"
)

// Look is what the kernel shows of the kept sockets while a worker starts. If
// Unreadable is nil, the worker and its descendants do not wait for connections on
// a socket that is in neither of the first two lists.
type Look struct {
	Waits      []uint64 // sockets on which a process waits for connections
	MayWait    []uint64 // sockets that a process has registered, which it may have done long before it accepts; more can't be seen
	Unreadable error    // why not everything can be seen; nil: it can
	Current    []uint64 // sockets on which the serving worker waits for connections
}

// Watch calls see again and again until ctx is done, and calls report with each
// result that differs from the one before. It looks often at first, since a look
// takes 0.4 ms, and 50 times a second after 0.4 s. So a change is found at most
// a quarter of the start or 10 ms late, and 20 ms in a long start.
func Watch(ctx context.Context, see func() Look, report func(Look)) {
	const first, few, last = time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond
	var passed time.Duration
	var before Look
	for {
		pause := min(max(first, min(passed/4, few), passed/20), last)
		if now := see(); !now.same(before) {
			report(now)
			before = now
		}
		if !sleep(ctx, pause) {
			return
		}
		passed += pause
	}
}

// same reports whether two looks show the same.
func (l Look) same(other Look) bool {
	return slices.Equal(l.Waits, other.Waits) && slices.Equal(l.MayWait, other.MayWait) && slices.Equal(l.Current, other.Current) && (l.Unreadable == nil) == (other.Unreadable == nil)
}

// sleep reports whether the time has passed before ctx was done.
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

// Package handover shows whether old workers still accept connections, and waits until
// they do not: for some milliseconds after a new worker has become ready, the kernel may
// still give connections to old ones.
package handover

import (
	"context"
	"slices"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
	"github.com/hotstart/hotstart/starter"
)

// Starter is the part of a starter.Starter that shows whether workers accept.
type Starter interface {
	Accepting(starter.Worker) (bool, error)
}

// Await returns when no worker of the list accepts connections any more, or when ctx is done.
func Await(ctx context.Context, s Starter, old []control.Worker) {
	for _, w := range old {
		await(ctx, s, w.PID)
	}
}

// unseen limits the wait for a worker where the system does not show what it does.
const unseen = time.Second

// await looks twice: a thread may be between two calls of accept(2). Where the system
// does not show what a worker does, it waits until the worker has exited.
func await(ctx context.Context, s Starter, pid int) {
	began := time.Now()
	for quiet := 0; quiet < 2; {
		accepts, err := s.Accepting(starter.Worker{PID: pid})
		if err != nil {
			accepts = syscall.Kill(pid, 0) == nil && time.Since(began) < unseen
		}
		if quiet++; accepts {
			quiet = 0
		}
		select {
		case <-time.After(min(time.Millisecond+time.Since(began)/8, 20*time.Millisecond)):
		case <-ctx.Done():
			return
		}
	}
}

// Describe returns the workers with what the system shows of them: whether they accept
// connections, and how many they have.
func Describe(s Starter, all []control.Worker) []control.Worker {
	all = slices.Clone(all)
	for i, w := range all {
		if accepts, err := s.Accepting(starter.Worker{PID: w.PID}); err == nil {
			all[i].Accepts = &accepts
		}
		if n, ok := control.Connections(w.PID); ok {
			all[i].Connected = &n
		}
	}
	return all
}

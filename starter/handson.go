package starter

import (
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
)

// letGo is a socket that a worker, which goes on, has no more.
type letGo struct {
	generation int
	inode      uint64
}

// handsOn finds out what a worker keeps that has hung up on its broker and
// lives: it has executed another program. The sockets that it has not handed on
// to that are let go, or the program could not have their addresses again. It
// ends with the worker, or when the kernel has surely closed what it closes
// at exec: some time after the broker.
func (s *Starter) handsOn(w *running, generation int, inodes []uint64) {
	for wait := time.Millisecond; wait < time.Second && len(inodes) > 0; wait *= 2 {
		held := proc.Sockets(w.PID())
		if proc.Exiting(w.PID()) {
			return
		}
		var rest []uint64
		for _, inode := range inodes {
			if held[inode] {
				rest = append(rest, inode)
			} else if !s.post(letGo{generation, inode}) {
				return
			}
		}
		inodes = rest
		time.Sleep(wait)
	}
}

package proc

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Leftover is a process that holds a kept socket and that an exited worker has
// started.
type Leftover struct {
	Process string // "pid 4711 (python3 -m http.server)"
	Inode   uint64 // of the socket
}

// EndDetached ends the processes that Detached lists, by SIGTERM and after
// the grace period by SIGKILL. It gives up after twice the grace period, since
// a process may be unkillable, or when done is closed.
func EndDetached(mark string, generation, worker int, grace time.Duration, done <-chan struct{}) {
	sent := map[int]syscall.Signal{}
	for began := time.Now(); time.Since(began) < 2*grace; {
		sig := syscall.SIGTERM
		if time.Since(began) >= grace {
			sig = syscall.SIGKILL
		}
		left := Detached(mark, generation, worker)
		for _, pid := range left {
			if sent[pid] != sig {
				sent[pid] = sig
				syscall.Kill(pid, sig)
			}
		}
		if len(left) == 0 {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-done:
			return
		}
	}
}

// ChildExits returns a channel that gets a value after children have exited, until
// done is closed.
func ChildExits(done <-chan struct{}) <-chan os.Signal {
	exits := make(chan os.Signal, 1)
	signal.Notify(exits, syscall.SIGCHLD)
	go func() {
		<-done
		signal.Stop(exits)
	}()
	return exits
}

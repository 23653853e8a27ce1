package starter

import (
	"strings"
	"syscall"
	"time"
)

// A program that puts itself into the background, as daemon(3) does, ends with
// status 0 and leaves a process in a session of its own. That process serves
// old code until it is ended.

// cleared says that the processes are gone which stood in the way of a reload.
type cleared struct{ command *Command }

// lookForDetached names in e what its worker, which has done its work, has left.
func (s *Starter) lookForDetached(e *Event) {
	if !s.options.Leash || e.Kind != Done {
		return
	}
	var names []string
	for _, pid := range detachedOf(s.options.Mark, e.Worker) {
		names = append(names, processName(pid))
	}
	if e.Holder = strings.Join(names, ", "); e.Holder != "" {
		s.detacher = e.Worker
	}
}

// reloading returns the event of a reload, or ends what a worker has left first.
func (s *Starter) reloading(c *Command) any {
	w := s.detacher
	if w.PID == 0 {
		return reload{c}
	}
	s.detacher, s.clearing = Worker{}, true
	grace := s.machine.stopTimeout
	if grace == 0 {
		grace = unprovenGrace
	}
	go func() {
		s.endDetached(w, grace)
		s.tell(cleared{c})
	}()
	return nil
}

// endDetached ends what a worker has left: by SIGTERM, and after the grace by SIGKILL.
// A process that can't be killed is not waited for any longer than that.
func (s *Starter) endDetached(w Worker, grace time.Duration) {
	told := map[int]syscall.Signal{}
	for began := time.Now(); time.Since(began) < 2*grace; {
		sig := syscall.SIGTERM
		if time.Since(began) >= grace {
			sig = syscall.SIGKILL
		}
		left := detachedOf(s.options.Mark, w)
		for _, pid := range left {
			if told[pid] != sig {
				told[pid] = sig
				syscall.Kill(pid, sig)
			}
		}
		if len(left) == 0 || !sleep(s.ended, 20*time.Millisecond) {
			return
		}
	}
}

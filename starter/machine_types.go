package starter

import "github.com/hotstart/hotstart/starter/internal/machine"

// commandID is a Command as the machine knows it.
type commandID struct{ *Command }

// ExpectHello implements machine.Command.
func (c commandID) ExpectHello() bool { return c.Command.ExpectHello }

func identity(c *Command) machine.Command {
	if c == nil {
		return nil
	}
	return commandID{c}
}

func commandOf(c machine.Command) *Command {
	if c == nil {
		return nil
	}
	return c.(commandID).Command
}

func workerOf(w machine.Worker) Worker { return Worker{w.Generation, w.PID, commandOf(w.Command)} }

func workersOf(all []machine.Worker) (workers []Worker) {
	for _, w := range all {
		workers = append(workers, workerOf(w))
	}
	return workers
}

// worker returns a worker that has not exited; zero: there is none.
func (s *Starter) worker(generation int) Worker {
	w, _ := s.machine.Worker(generation)
	return workerOf(w)
}

// eventOf returns the Event of a report of the machine.
func eventOf(r machine.Report) Event {
	return Event{
		Kind: Kind(r.Kind), Worker: workerOf(r.Worker), Others: workersOf(r.Others), Signal: r.Signal, Status: r.Status, Err: r.Err,
		Elapsed: r.Elapsed, Failures: r.Failures, Restarting: r.Restarting, Delay: r.Delay, Forced: r.Forced,
		Rollback: commandOf(r.Rollback), Resource: r.Resource,
	}
}

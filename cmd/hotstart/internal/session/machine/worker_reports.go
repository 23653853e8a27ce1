package machine

import (
	"fmt"
	"slices"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/starter"
)

// reportWorker reports an event that changes only the addresses of the
// program, or nothing.
func (m *Machine) reportWorker(e starter.Event) {
	r := &m.rollout
	isAddress := func(a starter.Address) bool { return a == e.Address }
	switch e.Kind {
	case starter.SocketKept:
		m.reportAdopted()
		m.tell(report.WorkerEvent{Event: e})
		if e.Worker == r.worker {
			r.listens = append(slices.Clone(r.listens), e.Address)
		}
	case starter.SocketClosed:
		m.tell(report.WorkerEvent{Event: e})
		if e.Worker == r.worker {
			r.listens = slices.DeleteFunc(slices.Clone(r.listens), isAddress)
		}
	case starter.PortUnused:
		r.listens = slices.DeleteFunc(slices.Clone(r.listens), isAddress)
		if slices.ContainsFunc(r.addresses, isAddress) { // once
			r.addresses = slices.DeleteFunc(slices.Clone(r.addresses), isAddress)
			m.tell(report.PortUnused{Worker: e.Worker, Address: e.Address})
		}
	case starter.Exited:
		// Some programs exit with another status than 0 at each signal.
		if e.Status.Exited() && e.Status.ExitStatus() != 0 && !r.exitReported {
			r.exitReported = true
			m.tell(report.WorkerEvent{Event: e})
		}
	case starter.Holding, starter.SocketReleased, starter.AssumedReady, starter.DrainTimedOut, starter.BrokerError, starter.ListenerShutDown, starter.PathLost:
		m.tell(report.WorkerEvent{Event: e})
	}
}

// noteInstrumentation takes how a program is instrumented. The reason why it is
// not instrumented is reported at once, the first time.
func (m *Machine) noteInstrumentation(e Built) {
	r := &m.rollout
	if news := fmt.Sprint(e.Instrumentation, e.InstrumentErr); news != r.instrumentation {
		r.instrumentation, r.unreportedAdoption = news, e.Instrumentation
		if e.InstrumentErr != nil {
			r.unreportedAdoption = ""
			m.tell(report.NotAdopted{Err: e.InstrumentErr})
		}
	}
}

// reportAdopted reports, once, how the program is instrumented. A program that
// opens sockets by system calls of its own has none that are kept, and gets no
// such report.
func (m *Machine) reportAdopted() {
	if what := m.rollout.unreportedAdoption; what != "" {
		m.rollout.unreportedAdoption = ""
		m.tell(report.Adopted{What: what})
	}
}

// firstURL returns the URL of the program, or "" if no address is known.
func (m *Machine) firstURL() string {
	for _, a := range slices.Concat(m.rollout.listens, m.rollout.addresses) {
		return report.URL(a)
	}
	return ""
}

// workerSuspended reports, once, a worker that the kernel has stopped: it runs
// in the background of the terminal, and has read from there.
func (m *Machine) workerSuspended(w starter.Worker) {
	if !slices.Contains(m.rollout.suspended, w) {
		m.rollout.suspended = append(m.rollout.suspended, w)
		m.tell(report.Halted{Worker: w})
	}
}

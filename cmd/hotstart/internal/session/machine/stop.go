package machine

import (
	"fmt"
	"syscall"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/starter"
)

// stopState is whether the session ends, and why.
type stopState struct {
	requested bool           // nothing begins any more; the workers end
	err       error          // why the session can't continue; nil: it can
	exited    error          // the session ends with the program; nil: it does not
	forcedBy  syscall.Signal // second signal, which killed the workers; 0: there was none
	killed    starter.Worker // a worker that did not exit in time
}

const (
	terminated  = syscall.SIGTERM // also when the terminal or the reader of stderr is gone
	interrupted = syscall.SIGINT  // also the key q
)

// handleSignal reloads at SIGHUP. Any other signal stops the program and then
// the session.
func (m *Machine) handleSignal(sig syscall.Signal) {
	if sig == syscall.SIGHUP {
		m.reload("received HUP; building and reloading")
		return
	}
	m.requestStop(report.Stopping{Signal: sig})
}

func (m *Machine) requestStop(why report.Stopping) {
	why.Worker = m.rollout.worker
	m.tell(why)
	m.stopAll()
}

// stopAll ends what is under way, and then the workers. Nothing begins after
// that.
func (m *Machine) stopAll() {
	m.cancelBuild()
	m.cancelCheck()
	m.cancelRule()
	m.endProgress()
	m.stop.requested = true
	m.do(Stop{m.rollout.suspended})
}

func (m *Machine) fail(err error) {
	m.stop.err = err
	m.stopAll()
}

// exitWith ends the session with the program, if the user wants that and no
// other worker serves or starts.
func (m *Machine) exitWith(e starter.Event) {
	if m.Exit && !m.stop.requested && m.rollout.newest().PID == 0 {
		m.stop.exited = cli.Exited(exitCode(e))
		m.stopAll()
	}
}

// exitCode returns the exit code that a shell gives for the end of a worker.
func exitCode(e starter.Event) int {
	switch {
	case e.Err != nil:
		return cli.Failure
	case e.Status.Signaled():
		return 128 + int(e.Status.Signal())
	}
	return e.Status.ExitStatus()
}

// Stopping reports whether the session ends: nothing begins any more.
func (m *Machine) Stopping() bool { return m.stop.requested }

func (m *Machine) handleStopping(e Event) {
	switch e := e.(type) {
	case Asked:
		m.asks.Add(e.ID)
	case Built:
		m.discard(e.Binary)
	case Checked:
		m.discard(e.Binary)
	case Relinked:
		m.discard(e.Binary)
	case Started:
		m.programStarted(e)
	case EnvInvalid:
		m.startImpossible(e)
	case WorkerEvent:
		m.handleWorkerEvent(e)
	case Suspended:
		m.workerSuspended(e.Worker)
	case KeyPressed:
		if e.Key == 'q' {
			m.force(interrupted)
		} else {
			m.handleScreenKey(e.Key)
		}
	case Signaled:
		if e.Signal != syscall.SIGHUP {
			m.force(e.Signal)
		}
	case Failed:
		if m.stop.err == nil {
			m.stop.err = e.Err
		}
	}
}

func (m *Machine) force(sig syscall.Signal) {
	if m.stop.err == nil {
		m.stop.forcedBy = sig
	}
	m.do(Stop{m.rollout.suspended})
}

// Result returns the error of the session. err is the error of the starter.
func (m *Machine) Result(err error) error {
	switch {
	case m.stop.forcedBy != 0:
		return cli.Signaled(m.stop.forcedBy)
	case m.stop.err != nil:
		return m.stop.err
	case m.stop.exited != nil:
		return m.stop.exited
	case err == nil && m.stop.killed.PID != 0:
		return fmt.Errorf("%v had to be killed", m.stop.killed)
	}
	return err
}

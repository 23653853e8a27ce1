package report

import (
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
)

// Objects passes each event on as one JSON object, without a line end.
type Objects struct {
	View
	To func(object []byte)
}

// Supervised is an event of the starter of hotstart run, with the wording of the starter.
// It is for clients that follow the events: hotstart run writes WorkerEvent.
type Supervised struct{ starter.Event }

// supervised has the names of the events that workerEvents lacks.
var supervised = map[starter.Kind]string{
	starter.Starting: "starting", starter.Serving: "serving", starter.Superseded: "superseded", starter.Failed: "start_failed",
	starter.TimedOut: "start_failed", starter.GaveUp: "gave_up", starter.Crashed: "died", starter.RolledBack: "rolled_back",
	starter.Settled: "settled", starter.Completed: "ended", starter.Stopping: "stopping", starter.Retiring: "retiring",
	starter.AutoRestart: "auto_restart", starter.Contended: "contended", starter.PortUnused: "unused", starter.Signaled: "signal",
	starter.LeftoverProcess: "leftover", starter.Warning: "warning", starter.Exited: "left",
}

func (s Supervised) entry(v View) entry {
	name, other := supervised[s.Kind]
	if !other {
		return WorkerEvent(s).entry(v)
	}
	e := entry{name: name, text: s.String(), facts: workerFacts(s.Worker)}
	switch s.Kind {
	case starter.Failed, starter.TimedOut, starter.GaveUp, starter.Crashed, starter.RolledBack, starter.PortUnused, starter.Warning:
		e.isError = true
	case starter.Serving:
		e.Addresses = v.places(s.Addresses)
	case starter.Signaled:
		e.Signal = starter.SignalName(s.Signal)
	}
	return e
}

// Handle implements Sink.
func (o Objects) Handle(e Event) {
	v := o.View
	v.JSON = true
	if entry := e.entry(v); entry.name != "" && entry.only != onlyText {
		entry.text = term.Clean(entry.text)
		o.To([]byte(entry.object(time.Now())))
	}
}

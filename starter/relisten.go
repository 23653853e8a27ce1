package starter

import (
	"github.com/hotstart/hotstart/starter/internal/machine"
	"github.com/hotstart/hotstart/starter/internal/sock"
)

// monitorSockets makes the loop learn when a worker shuts down a socket: shutdown(2)
// on one copy affects all copies.
func (s *Starter) monitorSockets(sockets []*sock.Socket) (err error) {
	if s.monitor, err = sock.NewMonitor(); err != nil {
		return err
	}
	for _, socket := range sockets {
		if socket.IsStream() {
			s.monitor.Add(socket)
		}
	}
	go s.monitor.Run(func(inode uint64) {
		s.post(func() []machine.Event { s.relisten(inode); return nil })
	})
	return nil
}

// relisten makes a kept socket listen again, and reports the likely culprit.
func (s *Starter) relisten(inode uint64) {
	socket := s.kept.Find(inode)
	if socket == nil || !socket.IsShutDown() {
		return
	}
	err := socket.Relisten(s.options.Backlog)
	if err == nil {
		s.monitor.Add(socket)
	}
	s.options.Report(Event{Kind: ListenerShutDown, Worker: workerOf(s.machine.LikelyCulprit()), Address: socket.BoundAddress(), Err: err})
}

// relistenAll makes every socket listen before a worker starts: not every system
// reports a shutdown.
func (s *Starter) relistenAll() {
	for _, inode := range s.kept.Streams() {
		s.relisten(inode)
	}
}

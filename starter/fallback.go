package starter

import (
	"net"

	"github.com/hotstart/hotstart/starter/internal/sock"
)

// SetFallback sets the function that handles connections while no worker runs
// and none is about to be started; nil, the default, leaves the connections
// waiting. The fallback accepts its last connection before a worker is started:
// the two never accept at the same time, and every later connection is the
// worker's. handle is called on a goroutine of its own for each connection, which
// it must close. SetFallback does not wait.
func (s *Starter) SetFallback(handle func(net.Conn)) { replace(s.fallbacks, handle) }

// updateFallback starts or stops the fallback server.
func (s *Starter) updateFallback() {
	switch {
	case s.fallback == nil || !s.machine.IsIdle():
		s.stopFallback()
	case s.fallbackServer == nil:
		s.fallbackServer = sock.ServeFallback(s.kept.All(), s.fallback)
	}
}

// stopFallback returns when no goroutine of this process accepts connections.
func (s *Starter) stopFallback() {
	s.fallbackServer.Stop()
	s.fallbackServer = nil
}

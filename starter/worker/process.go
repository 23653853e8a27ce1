package worker

import (
	"errors"
	"fmt"
	"net"
	"sync"
)

const notifyVariable = "NOTIFY_SOCKET"

// process is the state of a process as a worker: its inherited sockets, its broker and its stop.
type process struct {
	lookup    func(string) (string, bool) // the environment
	sockets   *sockets
	malformed error          // error in the environment; nil if it is valid
	broker    func() *broker // connects at the first call, because hello promises to drain; returns nil without a broker
	stop      *stop

	attaching sync.Mutex // held while the handler of a server is wrapped
	readyMu   sync.Mutex
	readySent bool // guarded by readyMu
}

// newProcess reads the environment and takes over the descriptors in it.
func newProcess(lookup func(string) (string, bool), pid int) *process {
	p := &process{lookup: lookup, stop: newStop()}
	value, _ := lookup(portsVariable)
	named, namedErr := parsePorts(value)
	numbered, numberedErr := parseListenFDs(lookup, pid)
	p.malformed = errors.Join(namedErr, numberedErr)
	p.sockets = inherit(mergePorts(named, numbered))

	conn := p.brokerConn()
	p.broker = sync.OnceValue(func() *broker {
		if conn == nil {
			return nil
		}
		return openBroker(conn, p.stop)
	})
	return p
}

// brokerConn returns a connection of the descriptor in HOTSTART_FD, or nil if there is none.
func (p *process) brokerConn() *net.UnixConn {
	value, _ := p.lookup(brokerVariable)
	if fd, err := parseNumber(value); err == nil {
		if conn, err := streamPair(fd); err == nil {
			return conn
		}
	}
	return nil
}

// ready is Ready for p.
func (p *process) ready() error {
	p.readyMu.Lock()
	defer p.readyMu.Unlock()
	if p.readySent {
		return nil
	}
	if path, _ := p.lookup(notifyVariable); path != "" {
		if err := notify(path, "READY=1"); err != nil {
			return fmt.Errorf("sending ready to %s: %w", notifyVariable, err)
		}
	}
	if b := p.broker(); b != nil {
		if err := b.Say("ready", -1); err != nil {
			return fmt.Errorf("sending ready to hotstart: %w", err)
		}
	}
	p.readySent = true
	return nil
}

// notify sends state to the socket at path as sd_notify(3) does. A path that begins with @ is an abstract
// name, as in package net.
func notify(path, state string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(state))
	return err
}

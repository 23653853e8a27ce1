package worker

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
)

// process is one process as a worker: what it inherited, its broker, and its stop.
type process struct {
	lookup    func(string) (string, bool) // the environment
	sockets   *sockets
	malformed error          // why the environment can't be believed, or nil
	broker    func() *broker // connects at the first call, since hello promises to drain; nil if there is none
	stop      *stop

	attaching sync.Mutex // held while a server is changed to be followed
	readying  sync.Mutex
	isReady   bool // guarded by readying
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

// brokerConn takes the descriptor of HOTSTART_FD; nil if there is none.
func (p *process) brokerConn() *net.UnixConn {
	value, isSet := p.lookup(brokerVariable)
	if !isSet {
		return nil
	}
	fd, err := parseNumber(value)
	if err != nil {
		return nil
	}
	conn, err := streamPair(fd)
	if err != nil {
		return nil
	}
	return conn
}

// ready is Ready for p.
func (p *process) ready() error {
	p.readying.Lock()
	defer p.readying.Unlock()
	if p.isReady {
		return nil
	}
	if path, _ := p.lookup(notifyVariable); path != "" {
		if err := notify(path, "READY=1"); err != nil {
			return fmt.Errorf("telling %s that the program serves: %w", notifyVariable, err)
		}
	}
	if b := p.broker(); b != nil {
		if err := b.Say("ready", -1); err != nil {
			return fmt.Errorf("telling hotstart that the program serves: %w", err)
		}
	}
	p.isReady = true
	return nil
}

// ports is Ports for p.
func (p *process) ports() (map[string]int, error) {
	value, isSet := p.lookup(portsVariable)
	if !isSet {
		return nil, ErrNone
	}
	list, err := parsePorts(value)
	if err != nil {
		return nil, err
	}
	ports := make(map[string]int, len(list))
	for _, entry := range list {
		ports[entry.key] = entry.fd
	}
	return ports, nil
}

// generation is Generation for p.
func (p *process) generation() int {
	value, _ := p.lookup(generationVariable)
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

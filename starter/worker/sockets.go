package worker

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

// sockets are the inherited sockets that nobody has asked for yet.
type sockets struct {
	mu    sync.Mutex
	ports []port // guarded by mu
}

// inherit takes over the descriptors: no child of the program is to hold one. What is no socket is not ours.
func inherit(ports []port) *sockets {
	for _, p := range ports {
		if _, err := describe(p.fd); err == nil {
			closeOnExec(p.fd)
		}
	}
	return &sockets{ports: ports}
}

// take returns the socket that serves q best, and the caller owns it; ok is false if there is none. A
// descriptor that is no socket is passed over: the program may have used and closed it, or the variable was
// meant for a parent of this process.
func (s *sockets) take(q question) (fd int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	best, bestRank := -1, unfit
	for i, p := range s.ports {
		bound, err := describe(p.fd)
		if r := rank(p.key, bound, q); err == nil && r > bestRank {
			best, bestRank = i, r
		}
	}
	if best < 0 {
		return 0, false
	}
	fd = s.ports[best].fd
	s.ports = append(s.ports[:best:best], s.ports[best+1:]...)
	return fd, true
}

// empty says whether no socket is left to take.
func (s *sockets) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ports) == 0
}

// listen is Listen for p.
func (p *process) listen(network, address string) (net.Listener, error) {
	b := p.broker()
	if b == nil && p.sockets.empty() && p.malformed == nil {
		return net.Listen(network, address)
	}
	q, err := p.question(network, address)
	if err != nil {
		return nil, err
	}
	fd, ok := p.sockets.take(q)
	if !ok {
		fd, ok = b.wantAny(q.names())
	} else if q.isUnix() {
		putBack(q.path)
	}
	if !ok {
		return bind(q, b)
	}
	l, err := listener(fd)
	if err != nil {
		return nil, fmt.Errorf("taking the inherited socket for %q: %w", address, err)
	}
	return l, nil
}

// putBack gives an inherited socket its path back, which programs remove before they listen: hotstart keeps a
// second name of it there. A path that is there stays as it is.
func putBack(path string) {
	name := strings.LastIndexByte(path, '/') + 1
	os.Link(path[:name]+"."+path[name:]+".hotstart-"+strconv.Itoa(os.Getppid()), path)
}

// question is ask, where the environment can be believed.
func (p *process) question(network, address string) (question, error) {
	if p.malformed != nil {
		return question{}, p.malformed
	}
	q, err := ask(network, address)
	if err != nil {
		return q, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	return q, nil
}

// bind listens on q, and gives the broker a copy.
func bind(q question, b *broker) (net.Listener, error) {
	l, err := net.Listen(q.network, q.written)
	if err != nil {
		return nil, err
	}
	if n, ok := q.boundName(l.Addr()); ok && b.keep(n, l) {
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false) // the path belongs to the socket that lives on
		}
	}
	return l, nil
}

// listenPacket is ListenPacket for p.
func (p *process) listenPacket(network, address string) (net.PacketConn, error) {
	if p.sockets.empty() && p.malformed == nil {
		return net.ListenPacket(network, address)
	}
	q, err := p.question(network, address)
	if err != nil {
		return nil, err
	}
	fd, ok := p.sockets.take(q)
	if !ok {
		return net.ListenPacket(network, address)
	}
	c, err := packetConn(fd)
	if err != nil {
		return nil, fmt.Errorf("taking the inherited socket for %q: %w", address, err)
	}
	return c, nil
}

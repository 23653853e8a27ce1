package worker

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

// sockets is the list of inherited sockets that were not taken yet.
type sockets struct {
	mu    sync.Mutex
	ports []port // guarded by mu
}

// inherit makes the sockets close-on-exec, so that no child of the program has them. A descriptor that is not a socket
// belongs to the program.
func inherit(ports []port) *sockets {
	for _, p := range ports {
		if _, err := describe(p.fd); err == nil {
			closeOnExec(p.fd)
		}
	}
	return &sockets{ports: ports}
}

// take returns the socket that matches q best, and the caller owns it; ok is false if there is none. A
// descriptor that is not a socket is skipped: the program may have used and closed it, or the variable is
// for a parent of this process.
func (s *sockets) take(q target) (fd int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	best, bestMatch := -1, noMatch
	for i, p := range s.ports {
		bound, err := describe(p.fd)
		if r := match(p.key, bound, q); err == nil && r > bestMatch {
			best, bestMatch = i, r
		}
	}
	if best < 0 {
		return 0, false
	}
	fd = s.ports[best].fd
	s.ports = append(s.ports[:best:best], s.ports[best+1:]...)
	return fd, true
}

// empty reports whether no socket is left to take.
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
	q, err := p.resolve(network, address)
	if err != nil {
		return nil, err
	}
	fd, ok := p.sockets.take(q)
	if !ok {
		fd, ok = b.wantAny(q.names())
	} else if q.isUnix() {
		restorePath(q.path)
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

// restorePath restores the path of an inherited socket, which programs remove before they listen: hotstart keeps a
// second name of the socket there. A path that exists stays as it is.
func restorePath(path string) {
	name := strings.LastIndexByte(path, '/') + 1
	os.Link(path[:name]+"."+path[name:]+".hotstart-"+strconv.Itoa(os.Getppid()), path)
}

// resolve resolves an address. It fails if the environment is malformed.
func (p *process) resolve(network, address string) (target, error) {
	if p.malformed != nil {
		return target{}, p.malformed
	}
	q, err := resolve(network, address)
	if err != nil {
		return q, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	return q, nil
}

// bind listens on q, and gives hotstart a copy of the socket.
func bind(q target, b *broker) (net.Listener, error) {
	l, err := net.Listen(q.network, q.written)
	if err != nil {
		return nil, err
	}
	if n, ok := q.boundName(l.Addr()); ok && b.keep(n, l) {
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false) // the path belongs to the socket that hotstart keeps
		}
	}
	return l, nil
}

// listenPacket is ListenPacket for p.
func (p *process) listenPacket(network, address string) (net.PacketConn, error) {
	if p.sockets.empty() && p.malformed == nil {
		return net.ListenPacket(network, address)
	}
	q, err := p.resolve(network, address)
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

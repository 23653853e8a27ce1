//go:build !linux

package starter

// vigilant: this system tells when a socket has stopped to listen.
const vigilant = false

// A vigil would tell when a socket has stopped to listen. Without epoll(7)
// that is found out when the next worker is started.
type vigil struct{}

func newVigil() (*vigil, error)              { return &vigil{}, nil }
func (v *vigil) over(*socket)                {}
func (v *vigil) run(tell func(inode uint64)) {}
func (v *vigil) close()                      {}

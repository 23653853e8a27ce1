package hook

import (
	"syscall"
	_ "unsafe" // for go:linkname
)

//go:linkname hotstartAcceptFunc internal/poll.AcceptFunc
var hotstartAcceptFunc func(fd int) (int, syscall.Sockaddr, error)

// hookAccept is for macOS, which does not have accept4(2).
func (w *hotstartWorker) hookAccept() {
	accept := hotstartAcceptFunc
	hotstartAcceptFunc = func(fd int) (int, syscall.Sockaddr, error) {
		if !w.beforeAccept(fd) {
			return -1, nil, syscall.EAGAIN
		}
		conn, from, err := accept(fd)
		return conn, from, w.afterAccept(fd, conn, err)
	}
}

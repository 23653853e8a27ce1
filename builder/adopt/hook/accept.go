//go:build !darwin

package hook

import (
	"syscall"
	_ "unsafe" // for go:linkname
)

//go:linkname hotstartAccept4Func internal/poll.Accept4Func
var hotstartAccept4Func func(fd, flags int) (int, syscall.Sockaddr, error)

func (w *hotstartWorker) hookAccept() {
	accept := hotstartAccept4Func
	hotstartAccept4Func = func(fd, flags int) (int, syscall.Sockaddr, error) {
		if !w.beforeAccept(fd) {
			return -1, nil, syscall.EAGAIN
		}
		conn, from, err := accept(fd, flags)
		return conn, from, w.afterAccept(fd, conn, err)
	}
}

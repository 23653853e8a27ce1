//go:build !(dragonfly || freebsd || linux || netbsd || openbsd)

package hook

import "syscall"

// hookAccept is for kernels that have no accept4(2), macOS among them.
func (w *hotstartWorker) hookAccept() {
	accept := hotstartAcceptFunc
	hotstartAcceptFunc = func(fd int) (int, syscall.Sockaddr, error) {
		if !w.begin(fd) {
			return -1, nil, syscall.EAGAIN
		}
		conn, from, err := accept(fd)
		return conn, from, w.end(fd, conn, err)
	}
}

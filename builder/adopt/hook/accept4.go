//go:build dragonfly || freebsd || linux || netbsd || openbsd

package hook

import "syscall"

func (w *hotstartWorker) hookAccept() {
	accept := hotstartAccept4Func
	hotstartAccept4Func = func(fd, flags int) (int, syscall.Sockaddr, error) {
		if !w.begin(fd) {
			return -1, nil, syscall.EAGAIN
		}
		conn, from, err := accept(fd, flags)
		return conn, from, w.end(fd, conn, err)
	}
}

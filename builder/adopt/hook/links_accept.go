//go:build !(dragonfly || freebsd || linux || netbsd || openbsd)

package hook

import (
	"syscall"
	_ "unsafe" // for go:linkname
)

//go:linkname hotstartAcceptFunc internal/poll.AcceptFunc
var hotstartAcceptFunc func(fd int) (int, syscall.Sockaddr, error)

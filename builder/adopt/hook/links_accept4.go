//go:build dragonfly || freebsd || linux || netbsd || openbsd

package hook

import (
	"syscall"
	_ "unsafe" // for go:linkname
)

//go:linkname hotstartAccept4Func internal/poll.Accept4Func
var hotstartAccept4Func func(fd, flags int) (int, syscall.Sockaddr, error)

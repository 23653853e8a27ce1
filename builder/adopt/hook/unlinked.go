//go:build !hotstart

package hook

import (
	"net"
	"net/http"
	"syscall"
)

// What the hooks are where they hook into nothing.
var (
	hotstartSocketFunc  func(family, kind, proto int) (int, error)
	hotstartListenFunc  func(fd, backlog int) error
	hotstartCloseFunc   func(fd int) error
	hotstartAccept4Func func(fd, flags int) (int, syscall.Sockaddr, error)
	hotstartAcceptFunc  func(fd int) (int, syscall.Sockaddr, error)
	hotstartServeFunc   func(*http.Server, net.Listener)
)

func hotstartCloseIdle(*http.Server) bool { return true }

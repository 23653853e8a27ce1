package hook

import (
	"net"
	"net/http"
	_ "unsafe" // for go:linkname
)

//go:linkname hotstartServeFunc net/http.testHookServerServe
var hotstartServeFunc func(*http.Server, net.Listener)

//go:linkname hotstartCloseIdle net/http.(*Server).closeIdleConns
func hotstartCloseIdle(*http.Server) bool

package hook

import _ "unsafe" // for go:linkname

//go:linkname hotstartSocketFunc net.socketFunc
var hotstartSocketFunc func(family, kind, proto int) (int, error)

//go:linkname hotstartListenFunc net.listenFunc
var hotstartListenFunc func(fd, backlog int) error

//go:linkname hotstartCloseFunc internal/poll.CloseFunc
var hotstartCloseFunc func(fd int) error

package starter

import (
	"fmt"
	"net"
)

// A notifySocket is one worker's NOTIFY_SOCKET. Each worker has its own, so
// that it can't speak for another.
type notifySocket struct{ *net.UnixConn }

// listen calls ready when the worker says READY=1. It goes on to read until
// the socket is closed, since a worker that tells more than is read blocks.
func (n *notifySocket) listen(ready func()) {
	datagram := make([]byte, 4096)
	for {
		size, err := n.Read(datagram)
		if err != nil {
			return
		}
		if saysReady(string(datagram[:size])) {
			ready()
		}
	}
}

func newNotifySocket(name string) (*notifySocket, error) {
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: name})
	if err != nil {
		return nil, fmt.Errorf("making the notify socket: %w", err)
	}
	return &notifySocket{c}, nil
}

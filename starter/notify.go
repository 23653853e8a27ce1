package starter

import (
	"fmt"
	"net"
)

// A notifySocket is one worker's NOTIFY_SOCKET. Each worker has its own, so
// that it can't speak for another.
type notifySocket struct{ *net.UnixConn }

// waitReady blocks until the worker says READY=1, and reports false if the
// socket was closed first.
func (n *notifySocket) waitReady() bool {
	datagram := make([]byte, 4096)
	for {
		size, err := n.Read(datagram)
		if err != nil {
			return false
		}
		if saysReady(string(datagram[:size])) {
			return true
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

//go:build !unix

package worker

import (
	"errors"
	"net"
)

// On these systems no superdaemon passes sockets, and Listen is net.Listen. Programs for several systems build.

func describe(int) (endpoint, error)         { return endpoint{}, errors.ErrUnsupported }
func closeOnExec(int)                        {}
func listener(int) (net.Listener, error)     { return nil, errors.ErrUnsupported }
func packetConn(int) (net.PacketConn, error) { return nil, errors.ErrUnsupported }
func streamPair(int) (*net.UnixConn, error)  { return nil, errors.ErrUnsupported }
func isClosed(net.Conn) bool                 { return false }
func hasUnread(net.Conn) bool                { return false }

//go:build !unix

// Package wire is empty on systems without SCM_RIGHTS, where no worker has a broker.
package wire

import (
	"errors"
	"net"
)

// Version and None are as on other systems.
const (
	Version = "1"
	None    = -1
)

// Client is not used.
type Client struct{ Disconnected chan struct{} }

// NewClient is not called.
func NewClient(*net.UnixConn) *Client { return nil }

// Follow is not called.
func (*Client) Follow(func(line string)) {}

// Say fails.
func (*Client) Say(string, int) error { return errors.ErrUnsupported }

// Ask returns None.
func (*Client) Ask(string) int { return None }

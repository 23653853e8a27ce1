package starter

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A notifySocket is one worker's NOTIFY_SOCKET. Each worker has its own, so
// that it can't speak for another.
//
// A process that knows the path can say that the worker serves, and no other:
// the name is random, in a folder that only this user may list, and is told to the
// worker alone. So whatever the worker starts may speak for it, under any user
// that the worker changes to, and may have ended before it is heard. The kernel
// shows everybody the address of each socket as it was bound, in
// /proc/net/unix: therefore the socket is renamed afterwards.
type notifySocket struct {
	*net.UnixConn
	path string
}

// newNotifySocket makes a socket in a folder of its own, in the first of the
// parents where that is possible.
func newNotifySocket(parents ...string) (n *notifySocket, err error) {
	var why []string
	for _, parent := range parents {
		if n, err = notifySocketIn(parent); err == nil {
			return n, nil
		}
		why = append(why, err.Error())
	}
	return nil, fmt.Errorf("making the notify socket: %s", strings.Join(why, "; "))
}

// notifyParents are where a notify socket may be: scratch, which is removed
// however this process ends; where root alone writes, and users can have no
// folder of their own for temporary files; and what is short and can be
// written in a container with a read-only file system.
func notifyParents(scratch string) []string {
	parents := []string{os.TempDir(), "/tmp", "/dev/shm"}
	if os.Geteuid() == 0 {
		parents = append([]string{"/run"}, parents...)
	}
	if scratch != "" {
		parents = append([]string{scratch}, parents...)
	}
	return parents
}

func notifySocketIn(parent string) (*notifySocket, error) {
	dir, err := os.MkdirTemp(parent, "hotstart-notify-")
	if err != nil {
		return nil, err
	}
	public, secret := filepath.Join(dir, "socket"), filepath.Join(dir, rand.Text())
	n, err := bindNotify(public, secret)
	if err != nil {
		os.Remove(public)
		os.Remove(dir)
	}
	return n, err
}

// bindNotify binds a socket as public and moves it to secret, where every user
// may write to it.
func bindNotify(public, secret string) (*notifySocket, error) {
	if longest := len(unix.RawSockaddrUnix{}.Path) - 1; len(secret) > longest {
		return nil, fmt.Errorf("%s is longer than %d bytes", filepath.Dir(secret), longest-len(rand.Text())-1)
	}
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: public})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Chmod(public, 0o666), os.Chmod(filepath.Dir(secret), 0o711), os.Rename(public, secret)); err != nil {
		c.Close()
		return nil, err
	}
	return &notifySocket{c, secret}, nil
}

// Close removes the socket and its folder. It needs no descriptor for that,
// since there may be none.
func (n *notifySocket) Close() error {
	return errors.Join(n.UnixConn.Close(), os.Remove(n.path), os.Remove(filepath.Dir(n.path)))
}

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

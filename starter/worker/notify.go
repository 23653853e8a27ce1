package worker

import "net"

const notifyVariable = "NOTIFY_SOCKET"

// notify sends state to the socket at path as sd_notify(3) does. A path that begins with @ is an abstract name,
// here as in package net.
func notify(path, state string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(state))
	return err
}

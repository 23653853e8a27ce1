//go:build e2e && linux

package e2e

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// tcpClient makes a connection for each request.
func tcpClient(port string, ask func(conn net.Conn) error) client {
	return client{"one connection each", func(int) error {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:"+port, timeout)
		if err != nil {
			return err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(timeout))
		return ask(conn)
	}}
}

// exchangeClient reads a line that begins with the greeting, unless that is
// empty, sends a text and expects the answer.
func exchangeClient(port, greeting, send, answer string) client {
	return tcpClient(port, func(conn net.Conn) error {
		r := bufio.NewReader(conn)
		if greeting != "" {
			line, err := r.ReadString('\n')
			if err != nil || !strings.HasPrefix(line, greeting) {
				return fmt.Errorf("the greeting is %q: %w", line, err)
			}
		}
		if _, err := io.WriteString(conn, send); err != nil {
			return err
		}
		got := make([]byte, len(answer))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != answer {
			return fmt.Errorf("the answer is %q: %w", got, err)
		}
		return nil
	})
}

// dnsClient asks for the address of example.org over TCP (RFC 1035, 4.1 and
// 4.2.2).
func dnsClient(port string) client {
	question := []byte("\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03org\x00\x00\x01\x00\x01")
	return tcpClient(port, func(conn net.Conn) error {
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(question))), question...)); err != nil {
			return err
		}
		var header [14]byte // after the length: the ID, then the flags
		if _, err := io.ReadFull(conn, header[:]); err != nil {
			return err
		}
		if header[2] != 0 || header[3] != 7 || header[5]&0xf != 0 {
			return fmt.Errorf("the answer begins with %x", header)
		}
		return nil
	})
}

// webSocketClient sends a message and expects it back (RFC 6455).
func webSocketClient(port, path string) client {
	return tcpClient(port, func(conn net.Conn) error {
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", path, port)
		r := bufio.NewReader(conn)
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			return err
		}
		if answer.StatusCode != http.StatusSwitchingProtocols {
			return fmt.Errorf("status %s", answer.Status)
		}
		io.WriteString(conn, "\x81\x85\x00\x00\x00\x00hello") // masked with four zeros
		var frame [7]byte
		if _, err := io.ReadFull(r, frame[:]); err != nil || string(frame[:]) != "\x81\x05hello" {
			return fmt.Errorf("the answer is %q: %w", frame, err)
		}
		return nil
	})
}

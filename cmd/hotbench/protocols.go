package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// exchange connects, reads a greeting that begins with one, unless that is
// empty, sends something and reads the answer.
func exchange(port, greeting, send, answer string) kind {
	return dialed(port, func(conn net.Conn) error {
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

// dialed asks with a connection for each request.
func dialed(port string, ask func(conn net.Conn) error) kind {
	return kind{"a connection each", func(int) error {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:"+port, patience)
		if err != nil {
			return err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		return ask(conn)
	}}
}

// dns asks for an address over TCP (RFC 1035, 4.1 and 4.2.2), and whoami gives one.
func dns(port string) kind {
	question := []byte("\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03org\x00\x00\x01\x00\x01")
	return dialed(port, func(conn net.Conn) error {
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(question))), question...)); err != nil {
			return err
		}
		var head [14]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return err
		}
		if head[2] != 0 || head[3] != 7 || head[5]&0xf != 0 {
			return fmt.Errorf("the answer begins with %x", head)
		}
		return nil
	})
}

// webSocket makes a connection, sends a message and has it back (RFC 6455).
func webSocket(port, path string) kind {
	return dialed(port, func(conn net.Conn) error {
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
		io.WriteString(conn, "\x81\x85\x00\x00\x00\x00hello") // its mask is four zeros
		var frame [7]byte
		if _, err := io.ReadFull(r, frame[:]); err != nil || string(frame[:]) != "\x81\x05hello" {
			return fmt.Errorf("the answer is %q: %w", frame, err)
		}
		return nil
	})
}

// unencrypted asks a server of HTTP/2 without TLS, over few connections and
// over one each.
func unencrypted(url string) []kind {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	ask := func(t *http.Transport, n int) error {
		body := fmt.Sprint(n)
		answer, err := post(&http.Client{Timeout: patience, Transport: t}, url, body)
		if err == nil && !strings.HasSuffix(answer, " "+body) {
			err = fmt.Errorf("the answer is %q", answer)
		}
		return err
	}
	kept := &http.Transport{Protocols: protocols}
	return []kind{
		{"a connection each", func(n int) error {
			one := &http.Transport{Protocols: protocols}
			defer one.CloseIdleConnections()
			return ask(one, n)
		}},
		{"streams on one connection", func(n int) error { return ask(kept, n) }},
	}
}

// calls calls a unary method of grpc with an empty message, over few connections
// and over one each.
func calls(port, method string) []kind {
	empty := make([]byte, 5) // no compression, no bytes
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	call := func(c *http.Client) error {
		r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:"+port+method, bytes.NewReader(empty))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/grpc")
		r.Header.Set("TE", "trailers")
		answer, err := c.Do(r)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			return err
		}
		if status := answer.Trailer.Get("Grpc-Status"); status != "0" {
			return fmt.Errorf("grpc status %q, HTTP status %s", status, answer.Status)
		}
		return nil
	}
	kept := &http.Client{Timeout: patience, Transport: &http.Transport{Protocols: protocols}}
	return []kind{
		{"a connection each", func(int) error {
			one := &http.Transport{Protocols: protocols}
			defer one.CloseIdleConnections()
			return call(&http.Client{Timeout: patience, Transport: one})
		}},
		{"calls on one connection", func(int) error { return call(kept) }},
	}
}

package worker

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// client is one HTTP/1.1 connection. It never repeats a request.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

func newClient(conn net.Conn) *client {
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	return &client{conn, bufio.NewReader(conn)}
}

// do sends a request and returns its answer; resp.Close says that the connection ends with it.
func (c *client) do(method, body string) (*http.Response, string, error) {
	if _, err := fmt.Fprintf(c.conn, "%s / HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%s", method, len(body), body); err != nil {
		return nil, "", err
	}
	return c.receive()
}

func (c *client) receive() (*http.Response, string, error) {
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, "", err
	}
	answer, err := io.ReadAll(resp.Body)
	return resp, string(answer), err
}

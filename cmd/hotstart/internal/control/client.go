package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Client asks one hotstart. Make it with Open or Find. It holds no connection between
// two calls, and may be used by many goroutines.
type Client struct {
	Path     string        // of the socket
	Patience time.Duration // for a hotstart that runs, which answers at once; 10 s by default
}

// DeafError says that a hotstart does not answer.
type DeafError struct {
	Path string
	PID  int // 0: not known
}

func (e *DeafError) Error() string {
	return fmt.Sprintf("the hotstart at %s (pid %d) does not answer; it may be suspended", e.Path, e.PID)
}

// Hint returns the command that continues a process.
func (e *DeafError) Hint() string { return fmt.Sprintf("kill -CONT %d", e.PID) }

// Open returns a client for the socket at a path. The error says that no hotstart
// listens there.
func Open(path string) (*Client, error) {
	c := newClient(path)
	conn, err := c.dial(context.Background())
	if err != nil {
		return nil, err
	}
	conn.Close()
	return c, nil
}

func newClient(path string) *Client { return &Client{Path: path, Patience: 10 * time.Second} }

func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", c.Path)
}

// Status returns the state of the hotstart.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return get[Status](ctx, c, 0, http.MethodGet, "status", nil)
}

// Wait returns when what is on disk at the call is served, or can't be. If the timeout
// is over, the outcome is TimedOut; 0 asks for the present state.
func (c *Client) Wait(ctx context.Context, timeout time.Duration) (Result, error) {
	return get[Result](ctx, c, timeout, http.MethodGet, "wait", url.Values{"timeout": {timeout.String()}})
}

// Reload reloads or restarts the program. The timeout is that of Wait.
func (c *Client) Reload(ctx context.Context, r Reload, timeout time.Duration) (Result, error) {
	name := "reload"
	if r.Restart {
		name = "restart"
	}
	return get[Result](ctx, c, timeout, http.MethodPost, name, url.Values{
		"wait": {strconv.FormatBool(r.Wait)}, "drained": {strconv.FormatBool(r.Drained)}, "timeout": {timeout.String()},
	})
}

// Stop asks the hotstart to end, and waits until it has ended.
func (c *Client) Stop(ctx context.Context) error {
	body, err := c.open(ctx, 0, http.MethodPost, "stop", url.Values{"wait": {"true"}})
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = io.Copy(io.Discard, body)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return ignoreEnd(err)
}

// Events returns the last n events, each as one JSON object, and with follow those that
// happen, until ctx is done or the hotstart ends. Both end without an error.
func (c *Client) Events(ctx context.Context, n int, follow bool) iter.Seq2[Event, error] {
	return c.follow(ctx, "events", n, follow)
}

// Logs returns the last n lines of the program's output, and with follow those that come.
func (c *Client) Logs(ctx context.Context, n int, follow bool) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		for object, err := range c.follow(ctx, "logs", n, follow) {
			var l Line
			if err == nil {
				err = json.Unmarshal(object, &l)
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

func (c *Client) follow(ctx context.Context, name string, n int, follow bool) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		body, err := c.open(ctx, 0, http.MethodGet, name, url.Values{"last": {strconv.Itoa(n)}, "follow": {strconv.FormatBool(follow)}})
		if err != nil {
			yield(nil, err)
			return
		}
		defer body.Close()
		lines := bufio.NewReader(body)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				if err = ignoreEnd(err); err != nil && ctx.Err() == nil {
					yield(nil, err)
				}
				return
			}
			if !yield(line[:len(line)-1], nil) {
				return
			}
		}
	}
}

// ignoreEnd returns nil for the end of a stream, with which the hotstart has ended, too.
func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	var reset *net.OpError
	if errors.As(err, &reset) && reset.Op == "read" {
		return nil
	}
	return err
}

// get returns the answer to a request. An answer of a kind that is not T is an error.
func get[T any](ctx context.Context, c *Client, limit time.Duration, method, name string, query url.Values) (value T, err error) {
	body, err := c.open(ctx, limit, method, name, query)
	if err != nil {
		return value, err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(&value); err != nil {
		if ctx.Err() != nil {
			return value, context.Cause(ctx)
		}
		return value, fmt.Errorf("asking the hotstart at %s: the connection has ended before the answer: %w", c.Path, err)
	}
	return value, nil
}

// open sends a request, and returns the body of the answer. An answer without a result
// is an error. limit is the time that the hotstart may take for the answer.
func (c *Client) open(ctx context.Context, limit time.Duration, method, name string, query url.Values) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://hotstart/v1/"+name+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	answer, err := c.transport(limit + c.Patience).RoundTrip(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			return nil, &DeafError{c.Path, pidIn(c.Path + lockSuffix)}
		}
		return nil, fmt.Errorf("asking the hotstart at %s: %w", c.Path, err)
	}
	if isResult(answer.StatusCode) {
		return answer.Body, nil
	}
	defer answer.Body.Close()
	p := &Problem{}
	if json.NewDecoder(answer.Body).Decode(p) != nil || p.Text == "" {
		p.Text = answer.Status
	}
	return nil, p
}

// transport returns a transport to the socket, which may take some time for an answer.
func (c *Client) transport(limit time.Duration) *http.Transport {
	return &http.Transport{
		DisableKeepAlives:     true,
		ResponseHeaderTimeout: limit,
		DialContext:           func(ctx context.Context, _, _ string) (net.Conn, error) { return c.dial(ctx) },
	}
}

// isResult reports whether an answer with this code has the value that was asked for.
func isResult(code int) bool {
	for _, c := range statusCodes {
		if c == code {
			return true
		}
	}
	return false
}

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// twoKinds are clients with a connection for each request, and clients with
// keep-alive; ask does one request with a client of theirs.
func twoKinds(kept string, dial dialer, ask func(c *http.Client, n int) error) []kind {
	once, again := newClient(dial, true), newClient(dial, false)
	return []kind{
		{"a connection each", func(n int) error { return ask(once, n) }},
		{kept, func(n int) error { return ask(again, n) }},
	}
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// onPath dials a unix socket, whatever the URL says.
func onPath(path string) dialer {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
}

// newClient speaks HTTP/2 where the server does. A nil dialer dials the host of
// the URL.
func newClient(dial dialer, single bool) *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		DialContext:         dial,
		DisableKeepAlives:   single,
		MaxIdleConnsPerHost: 1000,
		ForceAttemptHTTP2:   true,
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true}, // its own certificate, on loopback
	}}
}

// echoes asks servers that answer with some word and what they were sent.
func echoes(dial dialer, urls ...string) []kind {
	return twoKinds("keep-alive POST", dial, func(c *http.Client, n int) error {
		body := fmt.Sprint(n)
		answer, err := post(c, urls[n%len(urls)], body)
		if err == nil && !strings.HasSuffix(answer, " "+body) {
			err = fmt.Errorf("the answer is %q", answer)
		}
		return err
	})
}

// post is a request with a text, the answer to which is fine.
func post(c *http.Client, url, text string) (answer string, err error) {
	return request(c, http.MethodPost, url, text, http.StatusOK)
}

// pages asks for a page.
func pages(url string, status int) []kind {
	return twoKinds("keep-alive GET", nil, func(c *http.Client, n int) error {
		_, err := request(c, http.MethodGet, url, "", status)
		return err
	})
}

// request sends a body that can't be sent again, so that the client never
// tries a second time by itself, not even a GET. In HTTP/2 it may: a server
// that goes away says which streams it has not begun (RFC 9113, 6.8), and Go's
// client sends those, and no others, to the next.
func request(c *http.Client, method, url, text string, status int) (string, error) {
	var body io.Reader = strings.NewReader(text)
	if !strings.HasPrefix(url, "https:") {
		body = struct{ io.Reader }{body}
	}
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		return "", err
	}
	answer, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != status {
		err = fmt.Errorf("status %s", answer.Status)
	}
	return string(b), err
}

//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// toUnixSocket dials a unix socket whatever the URL is.
func toUnixSocket(path string) dialer {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
}

// newHTTPClient uses HTTP/2 if the server has TLS. A nil dialer dials the host
// of the URL.
func newHTTPClient(dial dialer, keepAlive bool) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{
		DialContext:         dial,
		DisableKeepAlives:   !keepAlive,
		MaxIdleConnsPerHost: 1000,
		ForceAttemptHTTP2:   true,
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true}, // the certificate is self-signed
	}}
}

// newH2CClient uses HTTP/2 without TLS.
func newH2CClient() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Timeout: timeout, Transport: &http.Transport{Protocols: protocols}}
}

// eachAndKept are clients with a connection for each request, and clients that
// keep their connections.
func eachAndKept(each func() *http.Client, keptName string, kept *http.Client, ask func(c *http.Client, n int) error) []client {
	return []client{
		{"one connection each", func(n int) error {
			c := each()
			defer c.CloseIdleConnections()
			return ask(c, n)
		}},
		{keptName, func(n int) error { return ask(kept, n) }},
	}
}

// http1Clients use HTTP/1.1, or HTTP/2 with TLS.
func http1Clients(dial dialer, keptName string, ask func(c *http.Client, n int) error) []client {
	each := newHTTPClient(dial, false)
	return eachAndKept(func() *http.Client { return each }, keptName, newHTTPClient(dial, true), ask)
}

// echoClients expect that the server answers with a word and with the body of
// the request.
func echoClients(dial dialer, urls ...string) []client {
	return http1Clients(dial, "keep-alive POST", func(c *http.Client, n int) error {
		return echo(c, urls[n%len(urls)], n)
	})
}

// h2cClients are echoClients with HTTP/2 without TLS.
func h2cClients(url string) []client {
	return eachAndKept(newH2CClient, "streams on one connection", newH2CClient(), func(c *http.Client, n int) error {
		return echo(c, url, n)
	})
}

func echo(c *http.Client, url string, n int) error {
	body := fmt.Sprint(n)
	answer, err := post(c, url, body)
	if err == nil && !strings.HasSuffix(answer, " "+body) {
		err = fmt.Errorf("the answer is %q", answer)
	}
	return err
}

// pageClients get a page.
func pageClients(url string) []client {
	return http1Clients(nil, "keep-alive GET", func(c *http.Client, _ int) error {
		_, err := request(c, http.MethodGet, url, "")
		return err
	})
}

// grpcClients call a unary gRPC method with an empty message.
func grpcClients(port, method string) []client {
	emptyMessage := make([]byte, 5) // not compressed, length 0
	return eachAndKept(newH2CClient, "calls on one connection", newH2CClient(), func(c *http.Client, _ int) error {
		r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:"+port+method, bytes.NewReader(emptyMessage))
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
			return fmt.Errorf("gRPC status %q, HTTP status %s", status, answer.Status)
		}
		return nil
	})
}

// post sends a body and returns the answer, whose status must be 200.
func post(c *http.Client, url, body string) (answer string, err error) {
	return request(c, http.MethodPost, url, body)
}

// request sends a body that can't be read a second time, so that net/http's
// client never repeats a request, not even a GET. With TLS, which means
// HTTP/2, the body can be read again: a server that closes a connection says
// which streams it has not begun (RFC 9113, 6.8), and the client repeats only
// those.
func request(c *http.Client, method, url, text string) (string, error) {
	var body io.Reader = strings.NewReader(text)
	if !strings.HasPrefix(url, "https:") {
		body = struct{ io.Reader }{body}
	}
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		return "", err
	}
	return answerOf(c.Do(r))
}

// answerOf reads an answer, whose status must be 200.
func answerOf(answer *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s", answer.Status)
	}
	return string(b), err
}

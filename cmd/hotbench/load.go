package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load is clients that ask as fast as they are answered.
type load struct {
	counts []*count
	quit   chan struct{}
	done   sync.WaitGroup
}

// count is what came of the requests of one kind of client.
type count struct {
	kind  string
	asked atomic.Int64
	lost  atomic.Int64
}

// startLoad starts so many clients of each kind: with a connection for each
// request, and with keep-alive POST.
func startLoad(urls []string, clients int) *load {
	l := &load{quit: make(chan struct{})}
	for _, keep := range []bool{false, true} {
		c := &count{kind: "a connection each"}
		if keep {
			c.kind = "keep-alive POST"
		}
		l.counts = append(l.counts, c)
		client := &http.Client{Timeout: patience, Transport: &http.Transport{
			DisableKeepAlives:   !keep,
			MaxIdleConnsPerHost: clients,
			ForceAttemptHTTP2:   true,
			TLSClientConfig:     &tls.Config{InsecureSkipVerify: true}, // its own certificate, on loopback
		}}
		for i := range clients {
			l.done.Go(func() { l.ask(client, urls[i%len(urls)], c) })
		}
	}
	return l
}

func (l *load) ask(client *http.Client, url string, c *count) {
	for n := 0; ; n++ {
		select {
		case <-l.quit:
			return
		default:
		}
		c.asked.Add(1)
		if err := askOnce(client, url, fmt.Sprint(n)); err != nil {
			if c.lost.Add(1) <= 10 {
				fmt.Fprintf(os.Stderr, "%s lost (%s): %v\n", time.Now().Format("15:04:05.000"), c.kind, err)
			}
		}
	}
}

// askOnce sends a text and makes sure that the answer has it.
func askOnce(client *http.Client, url, text string) error {
	answer, err := post(client, url, text)
	if err == nil && !strings.HasSuffix(answer, " "+text) {
		err = fmt.Errorf("the answer is %q", answer)
	}
	return err
}

// post sends a body that can't be sent again, so that the client never tries
// a second time by itself. In HTTP/2 it may: a server that goes away says
// which streams it has not begun (RFC 9113, 6.8), and Go's client sends
// those, and no others, to the next.
func post(client *http.Client, url, text string) (answer string, err error) {
	var body io.Reader = strings.NewReader(text)
	if !strings.HasPrefix(url, "https:") {
		body = struct{ io.Reader }{body}
	}
	r, err := client.Post(url, "text/plain", body)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s", r.Status)
	}
	return string(b), err
}

func (l *load) total() (n int) {
	for _, c := range l.counts {
		n += int(c.asked.Load())
	}
	return n
}

func (l *load) stop() []*count {
	close(l.quit)
	l.done.Wait()
	return l.counts
}

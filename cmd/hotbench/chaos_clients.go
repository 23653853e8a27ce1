package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// clients ask all the time, with a connection for each request, and note
// when one is lost.
type clients struct {
	url      string
	http     *http.Client
	quit     chan struct{}
	done     sync.WaitGroup
	answered atomic.Int64

	mu      sync.Mutex
	version string    // of the newest answer
	asked   time.Time // when that was asked for
	lost    []lostRequest
	windows []window
	excused int // lost in a window
	total   int // lost outside
}

type lostRequest struct {
	from, to time.Time
	err      error
}

func (l lostRequest) String() string {
	return fmt.Sprintf("%s to %s: %v", l.from.Format("15:04:05.000"), l.to.Format("15:04:05.000"), l.err)
}

// window is a time in which a fault ends requests by itself, as the death of
// the worker that was about to answer does.
type window struct {
	from, to time.Time // to is zero while it is open
	why      string
}

func (w window) covers(l lostRequest) bool {
	return !l.to.Before(w.from) && (w.to.IsZero() || !l.from.After(w.to))
}

func startClients(url string, n int) *clients {
	c := &clients{url: url, quit: make(chan struct{}), http: &http.Client{
		Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true},
	}}
	for range n {
		c.done.Go(c.ask)
	}
	return c
}

func (c *clients) ask() {
	for {
		select {
		case <-c.quit:
			return
		case <-time.After(2 * time.Millisecond): // a light load
		}
		from := time.Now()
		version, err := askVersion(c.http, c.url)
		c.mu.Lock()
		if err != nil {
			c.lost = append(c.lost, lostRequest{from, time.Now(), err})
		} else {
			c.answered.Add(1)
			c.version, c.asked = version, from
		}
		c.mu.Unlock()
	}
}

// open begins a window, which ends with the round unless shut does it sooner.
func (c *clients) open(why string) (shut func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := len(c.windows)
	c.windows = append(c.windows, window{from: time.Now(), why: why})
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.windows[i].to = time.Now()
	}
}

// excuse adds a window that is over.
func (c *clients) excuse(w window) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.windows = append(c.windows, w)
}

// excusing reports whether a window is open.
func (c *clients) excusing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.windows, func(w window) bool { return w.to.IsZero() })
}

// close ends every window.
func (c *clients) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.windows {
		if c.windows[i].to.IsZero() {
			c.windows[i].to = time.Now()
		}
	}
}

// takeLost returns what was lost since the last call outside any window.
func (c *clients) takeLost() (lost []lostRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lost {
		if c.excuses(l) {
			c.excused++
		} else {
			lost = append(lost, l)
		}
	}
	c.lost, c.total = nil, c.total+len(lost)
	return lost
}

func (c *clients) excuses(l lostRequest) bool {
	for _, w := range c.windows {
		if w.covers(l) {
			return true
		}
	}
	return false
}

func (c *clients) failed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

// see waits until a version answers who has asked since then.
func (c *clients) see(version string, since time.Time, bound time.Duration) error {
	for end := time.Now().Add(bound); ; time.Sleep(5 * time.Millisecond) {
		c.mu.Lock()
		seen, asked := c.version, c.asked
		c.mu.Unlock()
		if seen == version && !asked.Before(since) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s is not served within %v, but %s", version, bound, seen)
		}
	}
}

// stop waits for the answers to all that was asked.
func (c *clients) stop() error {
	close(c.quit)
	c.done.Wait()
	c.close()
	if lost := c.takeLost(); len(lost) > 0 {
		return fmt.Errorf("%d requests were lost in the end: %v", len(lost), lost[0])
	}
	return nil
}

// askVersion makes one request that no client may repeat by itself, and
// returns the version that answers.
func askVersion(client *http.Client, url string) (string, error) {
	answer, err := post(client, url, "ping")
	if err != nil {
		return "", err
	}
	version, ok := strings.CutSuffix(answer, " ping")
	if !ok {
		return "", fmt.Errorf("the answer is %q", answer)
	}
	return version, nil
}

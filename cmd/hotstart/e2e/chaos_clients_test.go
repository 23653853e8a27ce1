//go:build e2e && linux

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// chaosClients send requests all the time, with a connection for each, and
// record the lost ones.
type chaosClients struct {
	url      string
	http     *http.Client
	quit     chan struct{}
	done     sync.WaitGroup
	answered atomic.Int64

	mu      sync.Mutex
	version string    // of the latest answer
	asked   time.Time // when the request for that answer was sent
	lost    []lostRequest
	excuses []excuse
	excused int // number of requests that were lost with an excuse
}

type lostRequest struct {
	from, to time.Time
	err      error
}

func (l lostRequest) String() string {
	return fmt.Sprintf("%s to %s: %v", l.from.Format("15:04:05.000"), l.to.Format("15:04:05.000"), l.err)
}

// excuse is a time in which a fault itself ends requests, for example when it
// kills a worker that was about to answer.
type excuse struct {
	from, to time.Time // to is zero while the excuse is open
	reason   string
}

func (e excuse) covers(l lostRequest) bool {
	return !l.to.Before(e.from) && (e.to.IsZero() || !l.from.After(e.to))
}

func startChaosClients(url string, n int) *chaosClients {
	c := &chaosClients{url: url, quit: make(chan struct{}), http: newHTTPClient(nil, false)}
	for range n {
		c.done.Go(c.ask) // ends by stop
	}
	return c
}

func (c *chaosClients) ask() {
	for {
		select {
		case <-c.quit:
			return
		case <-time.After(2 * time.Millisecond): // a light load
		}
		from := time.Now()
		answer, err := post(c.http, c.url, "ping")
		version, ok := strings.CutSuffix(answer, " ping")
		if err == nil && !ok {
			err = fmt.Errorf("the answer is %q", answer)
		}
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

// openExcuse begins an excuse, which ends with the round unless the returned
// function ends it earlier.
func (c *chaosClients) openExcuse(reason string) (end func()) {
	c.addExcuse(excuse{from: time.Now(), reason: reason})
	i := len(c.excuses) - 1
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.excuses[i].to = time.Now()
	}
}

func (c *chaosClients) addExcuse(e excuse) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.excuses = append(c.excuses, e)
}

func (c *chaosClients) hasOpenExcuse() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.excuses, func(e excuse) bool { return e.to.IsZero() })
}

func (c *chaosClients) closeExcuses() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.excuses {
		if c.excuses[i].to.IsZero() {
			c.excuses[i].to = time.Now()
		}
	}
}

// takeLost returns the requests that were lost without an excuse since its
// last call.
func (c *chaosClients) takeLost() (lost []lostRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lost {
		if slices.ContainsFunc(c.excuses, func(e excuse) bool { return e.covers(l) }) {
			c.excused++
		} else {
			lost = append(lost, l)
		}
	}
	c.lost = nil
	return lost
}

// awaitVersion waits until a request that was sent after a time is answered by
// a version.
func (c *chaosClients) awaitVersion(version string, after time.Time) error {
	for end := time.Now().Add(serveBound); ; time.Sleep(5 * time.Millisecond) {
		c.mu.Lock()
		served, asked := c.version, c.asked
		c.mu.Unlock()
		if served == version && !asked.Before(after) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s is not served within %v, but %s", version, serveBound, served)
		}
	}
}

// stop waits for the answers to all requests.
func (c *chaosClients) stop() {
	close(c.quit)
	c.done.Wait()
	c.closeExcuses()
}

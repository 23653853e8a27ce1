//go:build e2e && linux

package e2e

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// client is one way to send requests.
type client struct {
	name string
	ask  func(n int) error // sends request number n; an error means that the request is lost
}

// load consists of clients that send requests as fast as they are answered.
type load struct {
	counts []*count
	quit   chan struct{}
	done   sync.WaitGroup
}

// count is the result of the requests of one kind of client.
type count struct {
	client
	asked   atomic.Int64
	lost    atomic.Int64
	longest atomic.Int64 // time to an answer, in nanoseconds
}

// awaitAnswers waits until each kind of client gets an answer, at both
// addresses if there are two.
func awaitAnswers(t *testing.T, clients []client) {
	t.Helper()
	var err error
	for end := time.Now().Add(timeout); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		err = nil
		for _, c := range clients {
			err = errors.Join(err, c.ask(0), c.ask(1))
		}
		if err == nil {
			return
		}
	}
	t.Fatalf("the program does not answer as expected: %v", err)
}

// startLoad starts n clients of each kind.
func startLoad(clients []client, n int) *load {
	l := &load{quit: make(chan struct{})}
	for _, client := range clients {
		c := &count{client: client}
		l.counts = append(l.counts, c)
		for i := range n {
			l.done.Go(func() { l.ask(c, i) }) // ends by stop
		}
	}
	return l
}

func (l *load) ask(c *count, first int) {
	for n := first; ; n++ {
		select {
		case <-l.quit:
			return
		default:
		}
		c.asked.Add(1)
		began := time.Now()
		err := c.client.ask(n)
		c.observe(time.Since(began))
		if err != nil && c.lost.Add(1) <= 10 {
			fmt.Fprintf(os.Stderr, "%s lost (%s): %v\n", time.Now().Format("15:04:05.000"), c.name, err)
		}
	}
}

// observe records the time to an answer if it is the longest so far.
func (c *count) observe(d time.Duration) {
	for old := c.longest.Load(); int64(d) > old && !c.longest.CompareAndSwap(old, int64(d)); old = c.longest.Load() {
	}
}

// await waits until the clients have sent n requests, of all kinds together.
func (l *load) await(n int) {
	for end := time.Now().Add(10 * timeout); l.total() < n && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}

func (l *load) total() (n int) {
	for _, c := range l.counts {
		n += int(c.asked.Load())
	}
	return n
}

func (l *load) stop() {
	close(l.quit)
	l.done.Wait()
}

// reloadUnderLoad reloads a session again and again, at even distances over
// the requests if there is a minimum number of them.
func reloadUnderLoad(t *testing.T, s *session, clients []client, n, reloads, requests int) []*count {
	t.Helper()
	awaitAnswers(t, clients)
	l := startLoad(clients, n)
	var err error
	for i := 0; i < reloads && err == nil; i++ {
		l.await(requests * i / reloads)
		err = s.reload()
	}
	l.await(requests)
	l.stop()
	if err != nil {
		t.Fatal(err)
	}
	return l.counts
}

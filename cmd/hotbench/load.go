package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// kind is one way in which clients ask.
type kind struct {
	name string
	ask  func(n int) error // asks once; n is another one each time
}

// load is clients that ask as fast as they are answered.
type load struct {
	counts []*count
	quit   chan struct{}
	done   sync.WaitGroup
}

// count is what came of the requests of one kind of client.
type count struct {
	kind
	asked   atomic.Int64
	lost    atomic.Int64
	longest atomic.Int64 // time to an answer, in nanoseconds
}

// took notes how long an answer took.
func (c *count) took(d time.Duration) {
	for old := c.longest.Load(); int64(d) > old && !c.longest.CompareAndSwap(old, int64(d)); old = c.longest.Load() {
	}
}

// answered waits until each kind of clients gets an answer, at both addresses
// where there are two.
func answered(kinds []kind) (err error) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		err = nil
		for _, k := range kinds {
			err = errors.Join(err, k.ask(0), k.ask(1))
		}
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("it does not answer as it should: %w", err)
}

// startLoad starts so many clients of each kind.
func startLoad(kinds []kind, clients int) *load {
	l := &load{quit: make(chan struct{})}
	for _, k := range kinds {
		c := &count{kind: k}
		l.counts = append(l.counts, c)
		for i := range clients {
			l.done.Go(func() { l.ask(c, i) })
		}
	}
	return l
}

func (l *load) ask(c *count, client int) {
	for n := client; ; n++ {
		select {
		case <-l.quit:
			return
		default:
		}
		c.asked.Add(1)
		began := time.Now()
		err := c.kind.ask(n)
		c.took(time.Since(began))
		if err != nil && c.lost.Add(1) <= 10 {
			fmt.Fprintf(os.Stderr, "%s lost (%s): %v\n", time.Now().Format("15:04:05.000"), c.name, err)
		}
	}
}

// await waits until so many requests were made of all kinds together.
func (l *load) await(n int) {
	for end := time.Now().Add(10 * patience); l.total() < n && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
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

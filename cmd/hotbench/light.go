package main

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// light is a load that takes little: a new connection every few ms, whether
// those before it are answered or not, as people who come by do.
type light struct {
	address string
	text    string // of the new program
	first   chan time.Time
	quit    chan struct{}
	asked   atomic.Int64
	lost    atomic.Int64
	clients sync.WaitGroup
}

const (
	pace   = 5 * time.Millisecond
	linger = 300 * time.Millisecond // that the load goes on for after the first new answer
)

var newConnections = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

func startLight(address, text string) *light {
	l := &light{address: address, text: text, first: make(chan time.Time, 1), quit: make(chan struct{})}
	l.clients.Go(func() { // ends by stop
		for tick := time.NewTicker(pace); ; {
			select {
			case <-l.quit:
				tick.Stop()
				return
			case <-tick.C:
				l.clients.Go(l.once)
			}
		}
	})
	return l
}

func (l *light) once() {
	l.asked.Add(1)
	text, _, err := ask(l.address)
	switch {
	case err != nil:
		l.lost.Add(1)
	case text == l.text:
		select {
		case l.first <- time.Now():
		default: // not the first
		}
	}
}

func (l *light) awaitNew(began time.Time) (time.Duration, error) {
	select {
	case at := <-l.first:
		time.Sleep(linger)
		return at.Sub(began), nil
	case <-time.After(patience):
		return 0, errors.New("the edit was never served")
	}
}

func (l *light) stop() (asked, lost int) {
	close(l.quit)
	l.clients.Wait()
	return int(l.asked.Load()), int(l.lost.Load())
}

// ask asks once, by a new connection.
func ask(address string) (text string, pid int, err error) {
	r, err := newConnections.Get("http://" + address)
	if err != nil {
		return "", 0, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	text, pid = split(string(b))
	return text, pid, err
}

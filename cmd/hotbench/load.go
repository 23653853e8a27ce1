package main

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// load is a light load: a new connection every few milliseconds, whether the
// previous ones are answered or not.
type load struct {
	address string
	quit    chan struct{}
	clients sync.WaitGroup

	mu          sync.Mutex
	answers     map[string]time.Time // first answer of each program, by its text
	asked, lost int
}

const loadInterval = 5 * time.Millisecond

func startLoad(address string) *load {
	l := &load{address: address, quit: make(chan struct{}), answers: map[string]time.Time{}}
	l.clients.Go(func() { // ends by stop
		for tick := time.NewTicker(loadInterval); ; {
			select {
			case <-l.quit:
				tick.Stop()
				return
			case <-tick.C:
				l.clients.Go(l.ask)
			}
		}
	})
	return l
}

func (l *load) ask() {
	text, _, err := ask(l.address)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	if err != nil {
		l.lost++
	} else if _, ok := l.answers[text]; !ok {
		l.answers[text] = time.Now()
	}
}

func (l *load) first(text string) (at time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok = l.answers[text]
	return at, ok
}

// stop waits for the answers to all requests.
func (l *load) stop() (asked, lost int) {
	close(l.quit)
	l.clients.Wait()
	return l.asked, l.lost
}

var connectionEach = &http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true}}

// ask sends one request over a new connection. The answer has a text and the
// process ID of the program.
func ask(address string) (text string, pid int, err error) {
	r, err := connectionEach.Get("http://" + address)
	if err != nil {
		return "", 0, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	text, number, _ := strings.Cut(string(b), " ")
	pid, _ = strconv.Atoi(number)
	return text, pid, err
}

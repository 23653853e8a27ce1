package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

type hammerKey struct{}

// hammer sends requests: half of its clients use a new connection for each request,
// the others POST on keep-alive connections. No client retries a request.
type hammer struct {
	address string
	over    atomic.Bool
	clients sync.WaitGroup
	asked   [2]atomic.Int64
	lost    [2]atomic.Int64
	mu      sync.Mutex
	first   error // error of a lost request
}

const (
	fresh = iota // a connection for each request
	kept
)

// hammer start ADDRESS; hammer stop [MOST]: no request may be lost in between, or at
// most MOST with a server that is known to lose some.
func cmdHammer(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	h := ts.Value(hammerKey{}).(*hammer)
	if args[0] == "start" {
		h.start(args[1])
		return
	}
	h.over.Store(true)
	h.clients.Wait()
	ts.Logf("connection per request: %d of %d lost; kept: %d of %d lost; first: %v",
		h.lost[fresh].Load(), h.asked[fresh].Load(), h.lost[kept].Load(), h.asked[kept].Load(), h.first)
	if h.asked[fresh].Load() == 0 || h.asked[kept].Load() == 0 {
		ts.Fatalf("nothing was asked")
	}
	most := 0
	if len(args) > 1 {
		most, _ = strconv.Atoi(args[1])
	}
	if h.lost[fresh].Load()+h.lost[kept].Load() > int64(most) {
		ts.Fatalf("lost requests: %v\n%s", h.first, processOf(ts).out.String())
	}
}

func (h *hammer) start(address string) {
	h.address = address
	for range 2 {
		h.clients.Go(func() { h.ask(fresh) })
		h.clients.Go(func() { h.ask(kept) })
	}
}

// ask sends requests of one kind until the load is stopped.
func (h *hammer) ask(way int) {
	var c net.Conn
	var in *bufio.Reader
	for !h.over.Load() {
		var err error
		if c == nil {
			if c, err = net.Dial("tcp", h.address); err != nil {
				h.lose(way, err)
				continue
			}
			in = bufio.NewReader(c)
		}
		h.asked[way].Add(1)
		stays, err := h.once(way, c, in)
		if err != nil {
			h.lose(way, err)
		}
		if !stays {
			c.Close()
			c = nil
		}
		time.Sleep(2 * time.Millisecond) // leave time for the servers on a machine with two processors
	}
	if c != nil {
		c.Close()
	}
}

func (h *hammer) once(way int, c net.Conn, in *bufio.Reader) (stays bool, err error) {
	c.SetDeadline(time.Now().Add(patience))
	request := "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	if way == kept {
		request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
	}
	if _, err := io.WriteString(c, request); err != nil {
		return false, err
	}
	r, err := http.ReadResponse(in, nil)
	if err != nil {
		return false, err
	}
	b, err := io.ReadAll(r.Body)
	if err == nil && (r.StatusCode != http.StatusOK || way == kept && !strings.Contains(string(b), "hello")) {
		err = fmt.Errorf("answer %d: %q", r.StatusCode, b)
	}
	return err == nil && way == kept && !r.Close, err
}

func (h *hammer) lose(way int, err error) {
	h.lost[way].Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.first == nil {
		h.first = err
	}
}

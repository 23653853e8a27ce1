package ready

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
)

// A Probe asks a server for an answer. Make it with ParseProbe.
type Probe struct{ address, url string } // one is ""

// probeTime is the maximum time of one question.
const probeTime = time.Second

// ParseProbe reads http=URL and tcp=ADDRESS. It returns nil for any other text.
func ParseProbe(s string) (*Probe, error) {
	way, to, _ := strings.Cut(s, "=")
	switch way {
	case "tcp":
		if _, port, err := net.SplitHostPort(to); err != nil || port == "" {
			return nil, fmt.Errorf("invalid address %q; example: tcp=127.0.0.1:8080", to)
		}
		return &Probe{address: to}, nil
	case "http":
		u, err := url.Parse(to)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("invalid URL %q; example: http=http://127.0.0.1:8080/health", to)
		}
		return &Probe{url: to}, nil
	}
	return nil, nil
}

// ask reports whether a server other than the older workers accepts a connection
// or, asked for the URL, has a good answer. A redirection is one.
func (p *Probe) ask(ctx context.Context, older []int) bool {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if err := rejectOlder(ctx, older, c); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
	if p.url == "" {
		c, err := dial(ctx, "tcp", p.address)
		if err == nil {
			c.Close()
		}
		return err == nil
	}
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableKeepAlives: true, DialContext: dial}, // each request reaches the worker that accepts now
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return false
	}
	answer, err := client.Do(r)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode < 400
}

// Until asks again and again until the answer is good, and reports false if ctx
// is done first. Answers of older workers, whose pids these are, do not count.
func (p *Probe) Until(ctx context.Context, older []int) bool {
	const first, last = 5 * time.Millisecond, 50 * time.Millisecond
	for pause := first; ; pause = min(pause*3/2, last) {
		if p.once(ctx, older) {
			return true
		}
		if !sleep(ctx, pause) {
			return false
		}
	}
}

// once asks. If there are older workers, it asks several times at the same
// moment: the kernel wakes the older workers first, and the new worker gets what
// they leave.
func (p *Probe) once(ctx context.Context, older []int) bool {
	ctx, end := context.WithTimeout(ctx, probeTime)
	defer end()
	questions := 1
	if len(older) > 0 {
		questions = 8
	}
	answers := make(chan bool, questions)
	for range questions {
		go func() { answers <- p.ask(ctx, older) }()
	}
	for range questions {
		if <-answers {
			return true
		}
	}
	return false
}

// rejectOlder waits until a connection is accepted, and returns an error if one
// of the older workers, which share the socket, has accepted it. A process that
// can't be seen is not an older worker.
func rejectOlder(ctx context.Context, older []int, c net.Conn) error {
	for len(older) > 0 {
		inode, here := peer(c)
		switch {
		case !here:
			return nil
		case inode == 0: // not accepted yet
			if !sleep(ctx, time.Millisecond) {
				return ctx.Err()
			}
		case proc.AnyHolds(older, inode):
			return errors.New("an older worker has accepted the connection")
		default:
			return nil
		}
	}
	return nil
}

package builder

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Progress is how far a build has come: so many packages of those that are not in the
// build cache yet were begun.
type Progress struct{ Begun, Packages int }

// patience is how long a build takes before anybody wonders. A shorter one costs nothing
// for its progress.
const patience = time.Second

// progress follows one run of go build. It reads what that says on stderr, takes the
// names of packages out, which -v adds, and passes the rest on.
type progress struct {
	rest io.Writer
	tell func(Progress)
	plan func(context.Context) (packages int, ok bool)

	mu    sync.Mutex
	line  []byte // one that has no end yet
	begun int
	total int // 0: not known, or not yet to be told
}

// name is a line that -v adds. No complaint is one word without a colon.
var name = regexp.MustCompile(`^[^\s:#]+\n$`)

func (p *progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line = append(p.line, b...)
	for {
		end := bytes.IndexByte(p.line, '\n')
		if end < 0 {
			return len(b), nil
		}
		line := p.line[:end+1]
		if name.Match(line) {
			p.begun++
			p.report()
		} else if _, err := p.rest.Write(line); err != nil {
			return 0, err
		}
		p.line = p.line[end+1:]
	}
}

// close passes on what has no end.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest.Write(p.line)
	p.line = nil
}

// report tells of it. Called with mu held.
func (p *progress) report() {
	if p.total > 0 {
		p.tell(Progress{p.begun, max(p.begun, p.total)})
	}
}

// await asks after a while what is still to do, and tells from then on, until ctx is done.
func (p *progress) await(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(patience):
	}
	p.mu.Lock()
	before := p.begun
	p.mu.Unlock()
	left, ok := p.plan(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if ok && ctx.Err() == nil {
		p.total = before + left
		p.report()
	}
}

// follow has a run of the go command report its progress to p.
func (g goCommand) follow(ctx context.Context, p *progress, args []string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		p.await(ctx)
	}()
	var errs bytes.Buffer
	p.rest = &errs
	g.stderr = p
	stdout, _, err = g.run(ctx, args...)
	cancel()
	<-waited
	p.close()
	return stdout, errs.String(), err
}

// planned counts the packages for which go build -n has commands.
func planned(said string) int {
	packages := map[string]bool{}
	before := ""
	for line := range strings.Lines(said) {
		if name, ok := strings.CutPrefix(line, "# "); ok && before == "#\n" {
			packages[name] = true
		}
		before = line
	}
	return len(packages)
}

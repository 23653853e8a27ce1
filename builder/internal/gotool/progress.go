package gotool

import (
	"bytes"
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// progressDelay is how long a build runs before its progress is reported. The progress of a
// shorter build costs nothing.
const progressDelay = time.Second

// packageLine is a line that -v adds to stderr: the import path of a package whose compilation
// begins. No line of an error message is a single word without a colon.
var packageLine = regexp.MustCompile(`^[^\s:#]+\n$`)

// progress counts the packages that one run of `go build -v` compiles. As a writer, it takes
// the lines that -v adds out of stderr and keeps the others.
type progress struct {
	report func(begun, packages int)

	mu    sync.Mutex
	lines bytes.Buffer // of stderr, without those that -v adds
	line  []byte       // the last, unfinished line of stderr
	begun int          // packages whose compilation has begun
	total int          // packages to compile; 0 until it is known
}

func (p *progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line = append(p.line, b...)
	for {
		end := bytes.IndexByte(p.line, '\n')
		if end < 0 {
			return len(b), nil
		}
		if line := p.line[:end+1]; packageLine.Match(line) {
			p.begun++
			p.send()
		} else {
			p.lines.Write(line)
		}
		p.line = p.line[end+1:]
	}
}

// stderr returns what the go command wrote, without the lines that -v adds.
func (p *progress) stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lines.String() + string(p.line)
}

// send reports the progress once the number of packages is known. p.mu is held.
func (p *progress) send() {
	if p.total > 0 {
		p.report(p.begun, max(p.begun, p.total))
	}
}

// plan counts the packages to compile after a delay, and then begins to report. It returns
// when that is done, or when ctx is.
func (p *progress) plan(ctx context.Context, project *Project, args []string) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(progressDelay):
	}
	p.mu.Lock()
	before := p.begun
	p.mu.Unlock()
	_, commands, err := project.Run(ctx, slices.Insert(slices.Clone(args), 1, "-n")...)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && ctx.Err() == nil {
		p.total = before + countPlanned(commands)
		p.send()
	}
}

// Build runs `go build` with arguments that begin with "build". It returns all output.
//
// If the build takes longer than a second, Build calls report from other goroutines, with the
// number of packages that the go command has begun to compile, of those that are not in the build
// cache. report may be nil. If idle is set, the build runs at the lowest priority, and is not
// reported.
func (p *Project) Build(ctx context.Context, args []string, idle bool, report func(begun, packages int)) (output string, err error) {
	if report == nil || idle {
		var stderr bytes.Buffer
		output, err = p.run(ctx, &stderr, idle, args)
		return output + stderr.String(), err
	}
	ctx, cancel := context.WithCancel(ctx)
	follower := &progress{report: report}
	var planning sync.WaitGroup
	planning.Go(func() { follower.plan(ctx, p, args) })
	output, err = p.run(ctx, follower, false, slices.Insert(slices.Clone(args), 1, "-v"))
	cancel()
	planning.Wait()
	return output + follower.stderr(), err
}

// countPlanned counts the packages for which `go build -n` prints commands. The commands of a
// package begin with the three lines "#", "# IMPORT PATH" and "#".
func countPlanned(commands string) int {
	packages := map[string]bool{}
	before := ""
	for line := range strings.Lines(commands) {
		if name, ok := strings.CutPrefix(line, "# "); ok && before == "#\n" {
			packages[name] = true
		}
		before = line
	}
	return len(packages)
}

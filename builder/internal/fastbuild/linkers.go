package fastbuild

import (
	"context"
	"errors"
	"sync"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/delta"
	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
	"github.com/hotstart/hotstart/builder/internal/fastbuild/prelink"
	"github.com/hotstart/hotstart/builder/internal/fastbuild/replay"
)

// linkers are the linkers that a Cache tries before the ordinary one.
type linkers struct {
	delta    *tracked      // nil if it is not wanted
	verifier *delta.Linker // the same; nil if it is not wanted
	waiting  *tracked
}

func newLinkers(o linktool.Options, useDelta bool) linkers {
	l := linkers{waiting: &tracked{Linker: prelink.New(o), failed: errNotTried}}
	if useDelta {
		l.verifier = delta.New(o)
		l.delta = &tracked{Linker: l.verifier, failed: errNotTried}
	}
	return l
}

// all returns the linkers, the fastest first.
func (l linkers) all() []*tracked {
	if l.delta == nil {
		return []*tracked{l.waiting}
	}
	return []*tracked{l.delta, l.waiting}
}

// forBuild returns the linkers in the form that a build needs.
func (l linkers) forBuild() replay.Linkers {
	r := replay.Linkers{Waiting: l.waiting}
	if l.delta != nil {
		r.Delta = l.delta
	}
	return r
}

func (l linkers) close() {
	for _, linker := range l.all() {
		linker.Close()
	}
}

// warm prepares the linkers for the next edit of a program.
func (l linkers) warm(ctx context.Context, p *replay.Program) {
	for _, linker := range l.all() {
		_ = p.Warm(ctx, linker) // or the next linker links the next edit
	}
}

// prepare builds the linkers that are not built yet, and warms them.
func (l linkers) prepare(ctx context.Context, p *replay.Program) {
	for _, linker := range l.all() {
		if linker.Prepare(ctx) {
			_ = p.Warm(ctx, linker)
		}
	}
}

// tracked is a linker that shows its state.
type tracked struct {
	replay.Linker

	mu     sync.Mutex
	ready  bool  // for the next edit
	failed error // last error of Warm or Link; nil after a success
	off    error // why the linker is not used any more; nil if it is
}

// errNotTried is the state of a linker before the first edit.
var errNotTried = errors.New("no edit has been checked yet")

// Warm implements replay.Linker.
func (t *tracked) Warm(ctx context.Context, c *linktool.Command, archives map[string]string) error {
	return t.do(ctx, true, func() error { return t.Linker.Warm(ctx, c, archives) })
}

// Link implements replay.Linker.
func (t *tracked) Link(ctx context.Context, c *linktool.Command, archives map[string]string, buildID, output string) error {
	return t.do(ctx, false, func() error { return t.Linker.Link(ctx, c, archives, buildID, output) })
}

// do calls the linker, and notes the result. After a success the linker is ready, or not.
func (t *tracked) do(ctx context.Context, ready bool, call func() error) error {
	t.mu.Lock()
	off := t.off
	t.mu.Unlock()
	if off != nil {
		return off
	}
	err := call()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ready = ready && err == nil
	if ctx.Err() == nil {
		t.failed = err
	}
	return err
}

// turnOff ends the use of the linker.
func (t *tracked) turnOff(why error) {
	t.mu.Lock()
	t.ready, t.off = false, why
	t.mu.Unlock()
	t.Close()
}

// DistrustDelta ends links by delta.
func (c *Cache) DistrustDelta(why error) {
	if c.linkers.delta != nil {
		c.linkers.delta.turnOff(why)
	}
}

// LinkerState is what a fast linker can do for the next edit.
type LinkerState struct {
	Name   LinkedBy
	Ready  bool
	Reason error // why it is not ready, or did not link the last edit; nil: it is, or did
}

func (t *tracked) state(name LinkedBy) LinkerState {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := LinkerState{Name: name, Ready: t.ready, Reason: t.failed}
	if t.off != nil {
		s.Reason = t.off
	}
	return s
}

// Linkers returns the state of the fast linkers, the fastest first. An error is the reason why
// the go command makes all builds.
func (c *Cache) Linkers() (states []LinkerState, err error) {
	c.mu.Lock()
	err = c.disabled
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if c.linkers.delta != nil {
		states = append(states, c.linkers.delta.state(Delta))
	}
	return append(states, c.linkers.waiting.state(Waiting)), nil
}

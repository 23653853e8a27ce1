// Package delta links a program in a time that does not depend on its size: it
// links only the packages that were edited, as a second module of the program as
// it was linked before, the base. The runtime knows programs of several modules:
// those with plugins.
//
// The linker is that of the user's Go installation, built from its sources with
// changes. Whatever can't be linked like that with certainty is an error, and the
// caller links the program in another way.
package delta

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
)

// maxFailures is how many times in a row the linker may fail for no known reason.
const maxFailures = 3

// maxLink is how long a delta link may take before the program is linked in another way.
const maxLink = 10 * time.Second

// Linker links one program again and again. It keeps one base. Its methods may
// be called at the same time.
type Linker struct {
	linktool.Options

	mu       sync.Mutex
	tool     string // the built linker; "" if there is none yet
	off      error  // why nothing is linked; nil if it may be
	ready    bool   // for the next edit
	reason   error  // last error of Warm or Link; nil after a success
	failures int    // in a row
	hot      hotPackages
	never    map[string]bool // packages that can't be hot, by import path
	base     *base           // nil before the first Warm
	stale    bool            // a delta of the base failed: the next one would, too
	bases    int             // linked so far
	last     *lastLink       // nil if there is none
	closed   bool
}

// New returns a Linker. A Linker that can't work is valid: its Link fails at once.
func New(o linktool.Options) *Linker {
	l := &Linker{Options: o, never: map[string]bool{}, reason: errNotTried}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		l.off = fmt.Errorf("%w: %s/%s", linktool.ErrUntested, runtime.GOOS, runtime.GOARCH)
	} else if o.CacheDir == "" {
		l.off = errors.New("the user has no cache directory")
	}
	return l
}

// Prepare builds the linker, unless that was done or is not possible. It takes
// some seconds, at the lowest priority. It reports whether the linker is new, so
// that Warm can use it.
func (l *Linker) Prepare(ctx context.Context) bool {
	l.mu.Lock()
	done := l.off != nil || l.tool != "" || l.closed
	l.mu.Unlock()
	if done {
		return false
	}
	tool, err := source.Build(ctx, l.Options)
	if ctx.Err() != nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tool, l.reason = tool, err
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		l.off = cmp.Or(l.off, err)
	}
	return err == nil
}

var (
	errNotTried = errors.New("no edit has been checked yet")
	errClosed   = errors.New("the delta linker was closed")
	errNoBase   = errors.New("no base was linked for this program")
)

// NoteEdited informs the Linker about packages that were edited, and built in another way.
func (l *Linker) NoteEdited(packages []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hot.add(packages)
}

// Link links archives into the file output, if there is a base. After any error
// the caller links in another way; the file does not exist then.
func (l *Linker) Link(ctx context.Context, c *linktool.Command, archives map[string]string, buildID, output string) error {
	err := l.link(ctx, c, archives, buildID, output)
	l.noteState(ctx, false, err)
	return err
}

func (l *Linker) link(ctx context.Context, c *linktool.Command, archives map[string]string, buildID, output string) error {
	l.mu.Lock()
	l.hot.link(archives)
	b, off := l.base, l.off
	l.mu.Unlock()
	if off != nil {
		return off
	}
	if b == nil {
		return errNoBase
	}
	if err := b.covers(c, archives); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, maxLink)
	defer cancel()
	err := b.link(limited, archives, buildID, output)
	if err == nil {
		l.note(b, archives)
	} else if ctx.Err() == nil {
		l.noteFailure(err, !errors.Is(err, errGaveUp) && !errors.Is(err, errShort))
	}
	return err
}

// note keeps what Verify compares.
func (l *Linker) note(b *base, archives map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = &lastLink{b, maps.Clone(archives)}
	l.failures = 0
}

// noteFailure notes that a link failed. If counts is set, that is an error of the
// linker: after some in a row it is not used any more.
func (l *Linker) noteFailure(err error, counts bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stale = true
	if !counts {
		return
	}
	if l.failures++; l.failures == maxFailures {
		l.off = err
	}
}

// Warm links a base of the archives for the next edits, unless there is one, and
// copies it. When ctx is done before that, Warm ends the link. If the linker is not
// built yet, see Prepare, the error is linktool.ErrNotBuilt.
func (l *Linker) Warm(ctx context.Context, c *linktool.Command, archives map[string]string) error {
	err := l.warm(ctx, c, archives)
	l.noteState(ctx, err == nil, err)
	return err
}

func (l *Linker) warm(ctx context.Context, c *linktool.Command, archives map[string]string) error {
	if err := c.Check(testedFlags); err != nil {
		return err
	}
	if !slices.Contains(c.Flags, "-s") {
		return fmt.Errorf("%w: a table of symbols (add -s -w to -ldflags)", linktool.ErrUntested)
	}
	for {
		b, err := l.freshBase(c, archives)
		if err != nil {
			return err
		}
		if b.isLinked() {
			return b.prepareCopy()
		}
		err = b.make(ctx)
		if never := (*neverHot)(nil); errors.As(err, &never) && never.path != c.Main {
			l.exclude(never.path)
			b.remove()
			continue
		}
		if err == nil {
			err = b.prepareCopy()
		}
		l.keep(ctx, b, err)
		return err
	}
}

// freshBase returns the base, if it still fits, or a new one, which is not linked yet.
func (l *Linker) freshBase(c *linktool.Command, archives map[string]string) (*base, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hot.linked(c, archives)
	switch {
	case l.off != nil:
		return nil, l.off
	case l.closed:
		return nil, errClosed
	case l.tool == "":
		return nil, linktool.ErrNotBuilt
	}
	hot := l.hot.in(archives)
	maps.DeleteFunc(hot, func(path string, _ bool) bool { return l.never[path] })
	if b := l.base; b != nil && !l.stale && b.covers(c, archives) == nil && includes(b.hot, hot) {
		return b, nil
	}
	l.bases++
	return &base{
		tool: l.tool, dir: filepath.Join(l.Dir, fmt.Sprintf("base-%d", l.bases)),
		command: c, archives: maps.Clone(archives), hot: hot,
	}, nil
}

func includes(all, some map[string]bool) bool {
	for path := range some {
		if !all[path] {
			return false
		}
	}
	return true
}

// exclude notes a package that can't be hot.
func (l *Linker) exclude(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.never[path] = true
}

// keep makes b the base, unless err is set.
func (l *Linker) keep(ctx context.Context, b *base, err error) {
	if err != nil {
		b.remove()
		if ctx.Err() == nil {
			l.noteFailure(err, !errors.Is(err, errShort)) // another base would give up, too
		}
		return
	}
	l.mu.Lock()
	old := l.base
	if l.closed || l.off != nil {
		old = b
	} else {
		l.base, l.stale, l.failures = b, false, 0
	}
	l.mu.Unlock()
	if old != nil {
		old.remove()
	}
}

// noteState notes what State returns. A link without a base does not hide why there is none.
func (l *Linker) noteState(ctx context.Context, ready bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ready = ready && l.base != nil
	if why := l.reason; ctx.Err() == nil && (err != errNoBase || why == nil || why == errNotTried) {
		l.reason = err
	}
}

// State returns whether the next edit can be linked, and why not, or why the last edit was not.
func (l *Linker) State() (ready bool, reason error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off != nil {
		return false, l.off
	}
	return l.ready, l.reason
}

// TurnOff ends the use of the linker: Link and Warm return this error.
func (l *Linker) TurnOff(why error) {
	l.mu.Lock()
	l.off = why
	l.mu.Unlock()
	l.removeBase()
}

// Close removes the base. No other one is linked.
func (l *Linker) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.removeBase()
}

func (l *Linker) removeBase() {
	l.mu.Lock()
	b := l.base
	l.base, l.ready = nil, false
	l.mu.Unlock()
	if b != nil {
		b.remove()
	}
}

// testedFlags are the flags of the linker with which a delta link was tested. A * stands for any value.
var testedFlags = []string{"-buildmode=exe", "-buildid=*", "-s", "-w", "-X", "-X=*", "-extld=*", "-checklinkname=0"}

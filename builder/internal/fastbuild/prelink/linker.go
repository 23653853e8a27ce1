// Package prelink links a program in less time: a linker process loads all
// archives that are not edited before the edit, waits, and links at the edit.
// Its output is byte for byte that of the ordinary linker.
//
// The process is the linker of the user's Go installation, built from its
// sources with an overlay. Where that is not possible, or not tested, the caller
// runs the ordinary linker.
package prelink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"sync"
	"time"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
)

// maxIdle is how long a process waits for an edit.
const maxIdle = 15 * time.Minute

// maxFailures is how many links in a row may fail.
const maxFailures = 3

// maxLink is how long a link may take before the ordinary linker is tried.
const maxLink = 30 * time.Second

// Linker links one program again and again. It has at most one process. Its
// methods may be called at the same time.
type Linker struct {
	linktool.Options

	mu       sync.Mutex
	tool     string // the built linker; "" if there is none yet
	off      error  // why no process is started; nil if one may be
	failures int    // links in a row that failed
	hot      linktool.Hot
	process  *process    // waits or is about to; nil if there is none
	idle     *time.Timer // closes the process
	closed   bool
}

// New returns a Linker. A Linker that can't work is valid: its Link fails at once.
func New(o linktool.Options) *Linker {
	l := &Linker{Options: o}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		l.off = fmt.Errorf("%w: %s/%s", linktool.ErrUntested, runtime.GOOS, runtime.GOARCH)
	} else if o.CacheDir == "" {
		l.off = errors.New("the user has no cache directory")
	}
	return l
}

// errNoProcess means that no process waits that could link.
var errNoProcess = errors.New("no linker waits for this program")

var errClosed = errors.New("the waiting linker was closed")

// Link links archives into the file output, if a process waits that can. After
// any error the caller runs the ordinary linker; the file may exist.
func (l *Linker) Link(ctx context.Context, c *linktool.Command, archives map[string]string, buildID, output string) error {
	p := l.take(c, archives)
	if p == nil {
		return errNoProcess
	}
	if !p.fits(c, archives) {
		p.close()
		return errNoProcess
	}
	limited, cancel := context.WithTimeout(ctx, maxLink)
	defer cancel()
	err := p.link(limited, archives, buildID, output)
	if ctx.Err() == nil {
		l.count(err)
	}
	return err
}

// take returns the process, which then belongs to the caller, and notes the
// packages that are edited.
func (l *Linker) take(c *linktool.Command, archives map[string]string) *process {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hot.Note(c, archives)
	return l.takeProcess()
}

func (l *Linker) takeProcess() *process {
	p := l.process
	l.process = nil
	if l.idle != nil {
		l.idle.Stop()
	}
	return p
}

func (l *Linker) count(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.failures = 0
	} else if l.failures++; l.failures == maxFailures {
		l.off = err
	}
}

// Warm starts a process for the next edit of a program, and waits until it is
// ready. When ctx is done before that, Warm ends the process. If the linker is not
// built yet, see Prepare, the error is linktool.ErrNotBuilt.
func (l *Linker) Warm(ctx context.Context, c *linktool.Command, archives map[string]string) error {
	if err := c.Check(testedFlags); err != nil {
		return err
	}
	if err := linktool.CheckMemory(neededMemory(archives)); err != nil {
		return err
	}
	p, old, err := l.replace(c, archives)
	if old != nil {
		old.close()
	}
	if p == nil || err != nil {
		return err
	}
	err = p.await(ctx)
	if err != nil {
		l.drop(p)
		if ctx.Err() == nil {
			l.count(err)
		}
	}
	return err
}

// replace replaces a process that does not fit by one that does.
func (l *Linker) replace(c *linktool.Command, archives map[string]string) (p, old *process, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hot.Note(c, archives)
	switch {
	case l.off != nil:
		return nil, nil, l.off
	case l.closed:
		return nil, nil, errClosed
	case l.tool == "":
		return nil, nil, linktool.ErrNotBuilt
	}
	hot := l.hot.In(archives)
	if p := l.process; p != nil && p.fits(c, archives) && maps.Equal(p.hot, hot) {
		return nil, nil, nil
	}
	old = l.takeProcess()
	if p, err = start(l.tool, l.Dir, c, archives, hot); err != nil {
		return nil, old, err
	}
	l.process = p
	l.idle = time.AfterFunc(maxIdle, func() { l.drop(p) })
	return p, old, nil
}

// drop ends a process, unless it is no longer the one that waits.
func (l *Linker) drop(p *process) {
	l.mu.Lock()
	mine := l.process == p
	if mine {
		l.takeProcess()
	}
	l.mu.Unlock()
	if mine {
		p.close()
	}
}

// Close ends the process. No other one is started.
func (l *Linker) Close() {
	l.mu.Lock()
	l.closed = true
	p := l.takeProcess()
	l.mu.Unlock()
	if p != nil {
		p.close()
	}
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
	l.tool, l.off = tool, err
	return err == nil
}

// testedFlags are the flags of the linker with which a waiting linker was tested. A * stands for
// any value.
var testedFlags = []string{"-buildmode=exe", "-buildid=*", "-s", "-w", "-X", "-X=*", "-extld=*", "-checklinkname=0"}

// neededMemory returns the memory that must be available for a process, in bytes. At most, it has
// about the size of the archives twice, most of it pages of the archives, which the kernel can drop.
func neededMemory(archives map[string]string) uint64 { return 256<<20 + 3*linktool.Size(archives) }

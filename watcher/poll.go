package watcher

import (
	"errors"
	"runtime"
	"syscall"
	"time"
)

// polling is when and why directories are looked at without an event.
type polling struct {
	interval time.Duration // the pause between the end of one poll and the next
	at       time.Time     // when the next is. Zero: not known, see next
	needed   bool          // some directory needs it; else there is no timer

	fsType func(dir string) string // as fsType
	logf   func(format string, args ...any)
	told   map[string]bool // the reasons that were logged
}

// next returns when to poll: zero for never. The pause begins with the first call after a poll.
func (p *polling) next(now time.Time) time.Time {
	switch {
	case !p.needed:
		p.at = time.Time{}
	case p.at.IsZero():
		p.at = now.Add(p.interval)
	}
	return p.at
}

// due reports whether it is time to poll.
func (p *polling) due(now time.Time) bool {
	return p.needed && !p.at.IsZero() && !now.Before(p.at)
}

// eventless reports whether the directory lies on a file system that sends no events, and says so once for each kind.
func (p *polling) eventless(dir string) bool {
	fs := p.fsType(dir)
	if fs != "" {
		p.explain(fs, "file events don't come from %s (%s); polling it every %v (a local disk has events)", dir, fs, p.interval)
	}
	return fs != ""
}

// failed says once for each reason that the kernel refuses to watch.
func (p *polling) failed(dir string, err error) {
	p.explain(reason(err), "watching %s: %v; polling what can't be watched every %v%s", dir, err, p.interval, remedy(err))
}

// off says that the kernel refuses to watch anything.
func (p *polling) off(err error) {
	p.explain(reason(err), "watching files: %v; polling all every %v%s", err, p.interval, remedy(err))
}

func (p *polling) explain(reason, format string, args ...any) {
	if !p.told[reason] {
		p.told[reason] = true
		p.logf(format, args...)
	}
}

// reason is the error without the directory.
func reason(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}

// remedy returns the end of a sentence: what to do about an error of the kernel's watches. See inotify(7) for Linux;
// elsewhere each watched file is an open one.
func remedy(err error) string {
	switch linux := runtime.GOOS == "linux"; {
	case errors.Is(err, syscall.ENOSPC) && linux:
		return " (for events: sysctl fs.inotify.max_user_watches=524288)"
	case errors.Is(err, syscall.EMFILE) && linux:
		return " (for events: sysctl fs.inotify.max_user_instances=1024, or a higher ulimit -n)"
	case errors.Is(err, syscall.EMFILE):
		return " (for events: a higher ulimit -n)"
	case errors.Is(err, syscall.ENFILE):
		return " (for events: fewer open files on this machine, or a higher limit)"
	}
	return ""
}

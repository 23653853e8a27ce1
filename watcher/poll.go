package watcher

import (
	"errors"
	"runtime"
	"syscall"
	"time"
)

// polling has the time of the next poll, and the reasons for polling.
type polling struct {
	interval time.Duration // the pause between the end of one poll and the next
	at       time.Time     // time of the next poll; zero if next has to set it
	needed   bool          // some directory needs polling; otherwise there is no timer

	fsType func(dir string) string // as fsType
	logf   func(format string, args ...any)
	logged map[string]bool // reasons that were logged
}

// next returns the time of the next poll; zero for never. The pause begins with the first call after a poll.
func (p *polling) next(now time.Time) time.Time {
	switch {
	case !p.needed:
		p.at = time.Time{}
	case p.at.IsZero():
		p.at = now.Add(p.interval)
	}
	return p.at
}

// hurry makes the next poll due, if there is one.
func (p *polling) hurry(now time.Time) {
	if p.needed {
		p.at = now
	}
}

// due reports whether it is time to poll.
func (p *polling) due(now time.Time) bool {
	return p.needed && !p.at.IsZero() && !now.Before(p.at)
}

// eventless reports whether the file system of the directory sends no events. It logs that once for each kind.
func (p *polling) eventless(dir string) bool {
	fs := p.fsType(dir)
	if fs != "" {
		p.explain(fs, "file events don't come from %s (%s); polling it every %v (a local disk has events)", dir, fs, p.interval)
	}
	return fs != ""
}

// refused logs that the kernel refuses watches, once for each reason.
func (p *polling) refused(watching, polled string, err error) {
	p.explain(reason(err), "watching %s: %v; polling %s every %v%s", watching, err, polled, p.interval, remedy(err))
}

func (p *polling) explain(reason, format string, args ...any) {
	if !p.logged[reason] {
		p.logged[reason] = true
		p.logf(format, args...)
	}
}

// reason returns the text of the error without the directory.
func reason(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}

// remedy returns what to do about an error of the kernel's watches, as the end of a sentence. See inotify(7) for Linux.
// On other systems each watched file is an open file.
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

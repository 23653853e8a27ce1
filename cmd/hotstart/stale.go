package main

import (
	"fmt"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"time"
)

// stale is why what is served is older than the code; zero: it is not.
type stale struct {
	what  string
	since time.Time
	code  time.Time // what is older does not mend it
}

// broken notes that the newest code does not serve. A person who has lost
// the line about it out of sight must not take what serves for what was
// saved: it stays below all else until it is mended.
func (u *watchUI) broken(e event, what, standing string) {
	since := time.Now()
	if u.stale.what == what {
		since = u.stale.since
	}
	u.stale = stale{what: what, since: since, code: time.Now()}
	u.pages.trouble(u.troubleOf(e, what, standing))
	u.remind(standing)
	u.alerts.broken(u.ui, what, standing)
}

// remind says again what serves, as that may have changed.
func (u *watchUI) remind(standing string) {
	if u.stale.what != "" {
		u.SetStatus(u.Error(term.CleanLine(fmt.Sprintf("✗ %s at %s; %s", u.stale.what, clock(u.stale.since), standing))))
	}
}

// mendedBy is mended if the code that serves is not older than what failed.
func (u *watchUI) mendedBy(code time.Time) string {
	if code.Before(u.stale.code) {
		return ""
	}
	return u.mended()
}

// mended is how a line begins that tells of the end of trouble.
const mended = "fixed: "

// mended notes that the newest code serves, and returns the beginning of
// what is said about that.
func (u *watchUI) mended() string {
	if u.stale.what == "" {
		return ""
	}
	u.stale = stale{}
	u.SetStatus("")
	u.alerts.mended(u.ui)
	u.pages.mended()
	return mended
}

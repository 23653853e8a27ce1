package starter

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseReadiness(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"interval", "notify", "accept", "auto", "tcp=127.0.0.1:80", "http=https://localhost/health"} {
		if r, err := ParseReadiness(name); err != nil || string(r) != name {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	if _, err := ParseReadiness("soon"); err == nil || err.Error() != `no way of readiness is called "soon"; there are interval, notify, accept, auto, http=URL and tcp=ADDRESS` {
		t.Error(err)
	}
}

func TestSaysReady(t *testing.T) {
	t.Parallel()
	for datagram, want := range map[string]bool{
		"READY=1":                 true,
		"READY=1\n":               true,
		"STATUS=x\nREADY=1\nPID=": true,
		"":                        false,
		"READY=0":                 false,
		"READY=10":                false,
		"XREADY=1":                false,
		"STATUS=READY=1":          false,
		"RELOADING=1":             false,
	} {
		if got := saysReady(datagram); got != want {
			t.Errorf("%q says so: %v", datagram, got)
		}
	}
}

// looks returns what it is given, one after the other, the last for ever.
func looks(s ...seen) func() seen {
	return func() seen {
		now := s[0]
		if len(s) > 1 {
			s = s[1:]
		}
		return now
	}
}

func TestWatchWaiters(t *testing.T) {
	for _, test := range []struct {
		name     string
		look     func() seen
		want     bool
		from, to time.Duration
	}{
		{"all at once", looks(seenAll), true, 0, 0},
		{"all after a while", looks(seenNone, seenSome, seenNone, seenAll), true, 3 * time.Millisecond, 6 * time.Millisecond},
		{"some of them for the interval", looks(seenSome), true, time.Second, 1100 * time.Millisecond},
		{"some of them, but not for long", looks(append(slices.Repeat([]seen{seenSome}, 10), seenNone)...), false, time.Minute, time.Minute},
		{"none", looks(seenNone), false, time.Minute, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithTimeout(t.Context(), time.Minute)
				defer stop()
				began := time.Now()
				got := watchWaiters(ctx, time.Second, test.look)
				if took := time.Since(began); got != test.want || took < test.from || took > test.to {
					t.Errorf("%v after %v, want %v after %v to %v", got, took, test.want, test.from, test.to)
				}
			})
		})
	}
}

// How long a start lasts is how long a person waits, so it must not be found
// late.
func TestWatchWaitersFindsSoon(t *testing.T) {
	for start, late := range map[time.Duration]time.Duration{
		2 * time.Millisecond:   time.Millisecond,
		20 * time.Millisecond:  5 * time.Millisecond,
		130 * time.Millisecond: 10 * time.Millisecond,
		400 * time.Millisecond: 20 * time.Millisecond,
		5 * time.Second:        20 * time.Millisecond,
	} {
		t.Run(start.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				watchWaiters(t.Context(), time.Minute, func() seen {
					if time.Since(began) < start {
						return seenNone
					}
					return seenAll
				})
				if took := time.Since(began); took > start+late {
					t.Errorf("found after %v, want at most %v late", took, late)
				}
			})
		})
	}
}

// A start that nobody can see through must not cost much while it lasts.
func TestWatchWaitersLooksLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
		defer stop()
		n := 0
		watchWaiters(ctx, time.Second, func() seen { n++; return seenNone })
		if n < 100 || n > 1600 {
			t.Errorf("%d looks in 30 s", n)
		}
	})
}

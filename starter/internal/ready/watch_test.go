package ready

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

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

// A person waits for a start, so a change must be found soon.
func TestWatchFindsSoon(t *testing.T) {
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
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				var told []Look
				Watch(ctx, func() (l Look) {
					if time.Since(began) >= start {
						l.Waits = []uint64{7}
					}
					return l
				}, func(l Look) {
					told = append(told, l)
					stop()
				})
				if took := time.Since(began); took > start+late || len(told) != 1 || !slices.Equal(told[0].Waits, []uint64{7}) {
					t.Errorf("told %v after %v, want at most %v late", told, took, late)
				}
			})
		})
	}
}

// A long start must not cost much, and only changes are reported.
func TestWatchLooksLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
		defer stop()
		n, told := 0, 0
		Watch(ctx, func() Look { n++; return Look{Unreadable: context.Canceled} }, func(Look) { told++ })
		if n < 100 || n > 1600 || told != 1 {
			t.Errorf("%d looks in 30 s, told %d times", n, told)
		}
	})
}

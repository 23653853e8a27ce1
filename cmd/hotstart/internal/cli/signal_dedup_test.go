package cli

import (
	"os"
	"syscall"
	"testing"
	"time"
)

func TestSignalFilter(t *testing.T) {
	t.Parallel()
	began := time.Now()
	for _, test := range []struct {
		name string
		sigs []os.Signal
		at   []time.Duration
		last bool // is a duplicate
	}{
		{"the first", []os.Signal{syscall.SIGTERM}, []time.Duration{0}, false},
		{"immediately", []os.Signal{syscall.SIGTERM, syscall.SIGTERM}, []time.Duration{0, time.Millisecond}, true},
		{"another signal that stops", []os.Signal{syscall.SIGINT, syscall.SIGTERM}, []time.Duration{0, time.Millisecond}, true},
		{"later", []os.Signal{syscall.SIGTERM, syscall.SIGTERM}, []time.Duration{0, DuplicateWithin}, false},
		{"a key that is held down", []os.Signal{syscall.SIGINT, syscall.SIGINT, syscall.SIGINT}, []time.Duration{0, DuplicateWithin / 2, DuplicateWithin + 1}, false},
		{"reload", []os.Signal{syscall.SIGTERM, syscall.SIGHUP}, []time.Duration{0, time.Millisecond}, false},
		{"after a reload", []os.Signal{syscall.SIGHUP, syscall.SIGTERM}, []time.Duration{0, time.Millisecond}, false},
	} {
		var f SignalFilter
		var is bool
		for i, sig := range test.sigs {
			is = f.Duplicate(sig, began.Add(test.at[i]))
		}
		if is != test.last {
			t.Errorf("%s: got %v", test.name, is)
		}
	}
}

package starter

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseReadiness(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"interval", "notify", "accept", "auto", "tcp=127.0.0.1:80", "http=https://localhost/health"} {
		if r, err := ParseReadiness(name); err != nil || string(r) != name {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	if _, err := ParseReadiness("soon"); err == nil || err.Error() != `unknown readiness check "soon"; want interval, notify, accept, auto, http=URL or tcp=ADDRESS` {
		t.Error(err)
	}
}

// The old worker and the new worker wait on one socket. Only what the new one accepts
// proves that it is ready.
func TestAProbeIsNotAnsweredByAnOlderWorker(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("no /proc to see who accepts")
	}
	// The address has to be known before. It is the address of an inherited socket: a
	// free address could be taken by another process.
	s := held(t, "127.0.0.1:0")
	o := Options{Ports: []string{s.Local}, Inherited: []int{s.Descriptor}, Ready: Readiness("tcp=" + s.Local), Interval: 20 * time.Millisecond, ReadyTimeout: -1}
	sh := run(t, o, program("echo"))
	first := sh.await(Serving)
	sh.SetTimeouts(Options{ReadyTimeout: 500 * time.Millisecond})
	until(t, "the time that a start may take is not heeded", func() bool { return len(sh.timeouts) == 0 })
	sh.Reload(program("hold")) // it does not accept: the old worker answers
	if e := sh.await(TimedOut); e.Worker.Generation != 2 {
		t.Errorf("%v", e)
	}
	if err := unix.Kill(first.Worker.PID, 0); err != nil {
		t.Errorf("the old worker is gone: %v", err)
	}
	sh.SetTimeouts(Options{ReadyTimeout: -1})
	until(t, "the time that a start may take is not heeded", func() bool { return len(sh.timeouts) == 0 })
	sh.Reload(program("echo"))
	sh.await(Serving)
}

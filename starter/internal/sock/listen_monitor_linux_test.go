package sock

import (
	"testing"
)

// A new connection wakes only the worker.
func TestTheMonitorSleepsWhileConnectionsCome(t *testing.T) {
	t.Parallel()
	s := listenOn(t, "127.0.0.1:0")
	v, err := NewMonitor()
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan uint64, 100)
	v.Add(s)
	ended := make(chan struct{})
	go func() {
		v.Run(func(inode uint64) { told <- inode })
		close(ended)
	}()
	for range 10 {
		if !s.answers("tcp", "127.0.0.1") {
			t.Fatal("it does not listen")
		}
	}
	v.Close()
	<-ended
	if len(told) > 0 {
		t.Errorf("told of %d, which listens", <-told)
	}
}

package starter

import (
	"bufio"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// says returns a fallback that answers each line with line.
func says(line string) func(net.Conn) {
	return func(c net.Conn) {
		defer c.Close()
		if _, err := bufio.NewReader(c).ReadString('\n'); err == nil {
			fmt.Fprintln(c, line)
		}
	}
}

// asked sends a line and returns the answer.
func asked(t *testing.T, at, line string) string {
	t.Helper()
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patient))
	fmt.Fprintln(c, line)
	answer, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return answer[:len(answer)-1]
}

func TestTheFallbackAnswersUntilAWorkerStarts(t *testing.T) {
	t.Parallel()
	sh := run(t, Options{Ports: []string{"127.0.0.1:0"}, Ready: ReadyAccept, KeepRunning: true, MaxStartFailures: 1, CanReexec: true}, nil)
	at := fmt.Sprintf("127.0.0.1:%d", sh.Addresses()[0].Port)
	sh.SetFallback(says("nobody"))
	if got := asked(t, at, "who"); got != "nobody" {
		t.Errorf("%q without a worker", got)
	}
	sh.Reload(program("echo"))
	sh.await(Starting)
	for range 50 {
		if got := asked(t, at, "worker"); got != "worker" {
			t.Fatalf("%q while one starts and serves", got)
		}
	}
	worker := sh.await(Serving).Worker

	// A worker that crashes is started again: the fallback does not answer.
	syscall.Kill(worker.PID, syscall.SIGKILL)
	sh.await(Crashed) // connections that it has accepted are lost
	if got := asked(t, at, "again"); got != "again" {
		t.Errorf("%q while one is about to start", got)
	}
}

func TestTheFallbackAnswersWhenAStartHasFailed(t *testing.T) {
	t.Parallel()
	sh := run(t, Options{Ports: []string{"127.0.0.1:0"}, Ready: ReadyAccept, KeepRunning: true, MaxStartFailures: 1, CanReexec: true}, nil)
	at := fmt.Sprintf("127.0.0.1:%d", sh.Addresses()[0].Port)
	sh.SetFallback(says("nobody"))
	for range 3 {
		sh.Reload(shell("exit 1"))
		sh.await(GaveUp)
		if got := asked(t, at, "who"); got != "nobody" {
			t.Errorf("%q", got)
		}
	}
	// Without a fallback, connections wait for the next worker.
	sh.SetFallback(nil)
	until(t, "it is still there", func() bool { return len(sh.fallbacks) == 0 })
	sh.SetFallback(nil)
	until(t, "it is still there", func() bool { return len(sh.fallbacks) == 0 }) // the fallback has not run since
	answers := make(chan string)
	go func() { answers <- asked(t, at, "worker") }()
	sh.Reload(program("echo"))
	if got := <-answers; got != "worker" {
		t.Errorf("%q", got)
	}
}

// Workers and the fallback alternate quickly, and every client gets an answer.
func TestNothingIsLostBetweenWorkersAndFallback(t *testing.T) {
	t.Parallel()
	sh := run(t, Options{Ports: []string{"127.0.0.1:0"}, Ready: ReadyAccept, KeepRunning: true, MaxStartFailures: 1, CanReexec: true}, nil)
	at := fmt.Sprintf("127.0.0.1:%d", sh.Addresses()[0].Port)
	sh.SetFallback(says("worker"))
	var end atomic.Bool
	var count atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !end.Load() && !t.Failed() {
			if got := asked(t, at, "worker"); got != "worker" {
				t.Errorf("%q", got)
			}
			count.Add(1)
		}
	}()
	for range 20 {
		before := count.Load()
		until(t, "nothing is answered", func() bool { return count.Load() > before+5 || t.Failed() })
		sh.Reload(shell("exit 1"))
		sh.await(GaveUp)
	}
	end.Store(true)
	<-done
	t.Logf("%d connections", count.Load())
}

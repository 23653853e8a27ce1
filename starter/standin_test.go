package starter

import (
	"bufio"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"golang.org/x/sys/unix"
)

// says is a stand-in that answers a line with its own.
func says(line string) func(net.Conn) {
	return func(c net.Conn) {
		defer c.Close()
		if _, err := bufio.NewReader(c).ReadString('\n'); err == nil {
			fmt.Fprintln(c, line)
		}
	}
}

// asked sends a line and returns the answer to it.
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

func TestAStandInAnswersUntilAWorkerStarts(t *testing.T) {
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

	// A worker that ends is started again: nobody stands in for it.
	syscall.Kill(worker.PID, syscall.SIGKILL)
	sh.await(Crashed) // what it still accepted would be lost with it
	if got := asked(t, at, "again"); got != "again" {
		t.Errorf("%q while one is about to start", got)
	}
}

func TestAStandInAnswersWhenAStartHasFailed(t *testing.T) {
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
	// It goes when it is told to: what connects waits for the next worker.
	sh.SetFallback(nil)
	until(t, "it is still there", func() bool { return len(sh.standIns) == 0 })
	sh.SetFallback(nil)
	until(t, "it is still there", func() bool { return len(sh.standIns) == 0 }) // the loop has lent nothing since
	answers := make(chan string)
	go func() { answers <- asked(t, at, "worker") }()
	sh.Reload(program("echo"))
	if got := <-answers; got != "worker" {
		t.Errorf("%q", got)
	}
}

// A stand-in gives no socket up: descriptors are freed, and what was shut down listens
// again.
func TestAStandInOutlivesErrors(t *testing.T) {
	t.Parallel()
	for _, errno := range []error{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.EINVAL, unix.EPERM, unix.ECONNABORTED} {
		t.Run(errno.Error(), func(t *testing.T) {
			t.Parallel()
			fd, _ := bound(t, "tcp", "127.0.0.1:0")
			defer unix.Close(fd)
			name, err := unix.Getsockname(fd)
			if err != nil {
				t.Fatal(err)
			}
			r, w, err := proc.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(r)
			fails := 3
			accept := func(fd int) (int, error) {
				if fails--; fails >= 0 {
					return -1, errno
				}
				return newConn(fd)
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				acceptFor(r, []int{fd}, accept, says("nobody"))
			}()
			if got := asked(t, fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port), "who"); got != "nobody" {
				t.Errorf("%q", got)
			}
			unix.Close(w)
			<-ended
		})
	}
}

// Whoever connects is answered, by the one or the other, while they change
// places all the time.
func TestNothingIsLostBetweenWorkersAndStandIn(t *testing.T) {
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

package adopt_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter"
)

// addressesAfter returns the rest of each line that begins with word.
func (r *running) addressesAfter(word string) (all []string) {
	for _, line := range strings.Split(r.text(), "\n") {
		if rest, ok := strings.CutPrefix(line, word+" "); ok {
			all = append(all, rest)
		}
	}
	return all
}

// A program finds a free port by listening on it, and passes the port to a child process.
func TestClosedListenerIsFree(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	r := serve(t, nil, "probe", address)
	for n := 1; n <= 2; n++ {
		r.until("the child runs", func() bool { return len(r.addressesAfter("child")) == n })
		child := r.addressesAfter("child")[n-1]
		until(t, "the child serves", func() bool { return answers(child) })
		if worker := newClient(t).post("http://" + address); newClient(t).post("http://"+child) == worker {
			t.Error("the worker has the port of its child")
		}
		r.reload()
		r.left(n)
	}
	if strings.Contains(r.text(), "in use") {
		t.Errorf("it printed %q", r.text())
	}
}

// A program may close any number of listeners: the next one is kept, and no connection waits on the closed ones.
func TestManyClosedListeners(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	r := serve(t, nil, "many", address)
	r.until("all are closed", func() bool { return len(r.addressesAfter("closed")) == 70 })
	for _, address := range r.addressesAfter("closed") {
		until(t, "nobody listens at "+address, func() bool { return !answers(address) })
	}
	first := newClient(t).post("http://" + address)
	r.reload()
	newClient(t).postUntil("http://"+address, first)
	if n := r.count(starter.BrokerError); n > 0 {
		t.Errorf("%d sockets were refused", n)
	}
}

// A listener that a worker closes because it exits or drains is kept.
func TestEndingWorkerKeepsItsListener(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	r := serve(t, nil, "shutdown", address)
	newClient(t).post("http://" + address)
	r.reload() // the old one closes a socket that is the new one's as well
	r.left(1)
	second := newClient(t).post("http://" + address)
	pid, _ := strconv.Atoi(second)
	terminate(t, pid)
	r.until("it has died", func() bool { return r.count(starter.Crashed)+r.count(starter.Completed) > 0 })
	c, err := net.Dial("tcp", address) // waits for the next worker
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// The program listens twice on one address, or closes its listener and keeps a copy.
func TestListenersOfOneAddress(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"pair", "copy"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			address := freePort(t, "127.0.0.1")
			r := serve(t, nil, mode, address)
			l := newLoad()
			l.ask(4, "http://"+address, false, nil)
			l.reloads(t, r, 2, 400)
			l.end(t)
		})
	}
}

// A program that executes itself is no longer instrumented. hotstart releases its sockets, unless the program has
// passed them on. hotstart notices that within milliseconds: on a busy machine the program may fail once.
func TestProgramThatExecutesItself(t *testing.T) {
	t.Parallel()
	path, err := server()
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"exec", "execfd"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			address := freePort(t, "127.0.0.1")
			r := prepare(t, path, []string{mode, address}, func(o *starter.Options) {
				o.Interval, o.MaxStartFailures = 100*time.Millisecond, 0
			})
			r.starter.Reload(r.command)
			// A connection to the socket that hotstart closes is reset.
			hasty := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
			r.until("it serves", func() bool { return r.count(starter.Serving) > 0 && post(hasty, "http://"+address) == nil })
			first := newClient(t).post("http://" + address)
			if mode == "exec" {
				return // the next one can't have the address before the first one ends
			}
			r.starter.Reload(r.command)
			r.left(1)
			if second := newClient(t).post("http://" + address); second == first {
				t.Error("the first worker answers")
			}
		})
	}
}

// hotstart does not keep a listener that was made without package net. While the worker drains, it serves the
// connections of that listener until its queue is empty once. Then only the next worker has a listener there.
func TestListenerPastPackageNet(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	r := serve(t, drainForever, "raw", address)
	l := newLoad()
	l.ask(2, "http://"+address, false, nil)
	l.reloads(t, r, 2, 400)
	l.finish()
	t.Logf("%d lost of %d", l.lost.Load(), l.asked.Load())
	if l.lost.Load() > 4 { // one for each client and reload, in the moment of the end
		t.Error(l.errors)
	}
}

func terminate(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// Child processes that serve drain together with their parent.
func TestPrefork(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	const reloads, clients = 3, 4
	r := serve(t, func(o *starter.Options) { o.Interval, o.DrainTimeout = 500*time.Millisecond, time.Hour }, "prefork", address)
	until(t, "a child serves", func() bool { return answers(address) })
	l := newLoad()
	l.ask(clients, "http://"+address, true, nil)
	l.reloads(t, r, reloads, 400)
	l.finish()
	t.Logf("%d lost of %d", l.lost.Load(), l.asked.Load())
	if l.lost.Load() > reloads { // where children just end, each client loses one at each reload
		t.Error(l.errors)
	}
}

// If the variable does not name a pipe of the parent, the child does not touch the parent's file.
func TestChildLeavesFilesOfItsParent(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("children are not followed here: see hook/system_other.go")
	}
	path, err := server()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read, write, err := os.Pipe() // which says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	for _, format := range []string{"%d %d 1 %d 1", "%d %d %d"} {
		address := freePort(t, "127.0.0.1")
		child := exec.Command(path, "plain", address)
		child.Env = append(os.Environ(), "HOTSTART_PARENT="+fmt.Sprintf(format, os.Getpid(), read.Fd(), f.Fd()))
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "the child serves", func() bool { return answers(address) })
		newClient(t).post("http://" + address)
		terminate(t, child.Process.Pid)
		child.Wait()
		if content, err := os.ReadFile(f.Name()); err != nil || len(content) > 0 {
			t.Errorf("the child wrote %q (%v)", content, err)
		}
	}
}

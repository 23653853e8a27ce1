//go:build e2e && linux

package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// session is a running hotstart or start_server.
type session struct {
	cmd    *exec.Cmd
	ready  string        // part of the line that reports a new worker
	exited chan struct{} // closed when the process has exited
	silent chan struct{} // closed when no process holds its output any more

	began   atomic.Bool  // a line with the text that the start waits for was read
	workers atomic.Int64 // number of lines with the text ready

	goroutines atomic.Int64 // number of goroutines that the Go runtime has printed at SIGQUIT

	mu   sync.Mutex
	last []string // last lines of the output
}

const linesKept = 60

// watch starts hotstart watch in a project and waits until the program serves.
// A launcher is a command that executes the command that follows it.
func watch(t testing.TB, p *project, launcher, env []string, args ...string) *session {
	t.Helper()
	const ready = ") is " // serving, or running if the program listens late
	argv := slices.Concat(launcher, []string{hotstart, "watch"}, args)
	return startSession(t, p.dir, argv, env, ready, ready)
}

// superdaemon starts hotstart run or start_server, which print the same lines,
// and waits until it starts its first worker.
func superdaemon(t *testing.T, dir string, argv, env []string) *session {
	t.Helper()
	return startSession(t, dir, argv, env, "starting new worker", "new worker is now running")
}

func startSession(t testing.TB, dir string, argv, env []string, begin, ready string) *session {
	t.Helper()
	s := &session{ready: ready, exited: make(chan struct{}), silent: make(chan struct{})}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.Command(argv[0], argv[1:]...)
	s.cmd.Dir, s.cmd.Env = dir, append(os.Environ(), env...)
	s.cmd.Stdout, s.cmd.Stderr = w, w
	err = s.cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	go s.read(r, begin)                           // ends when no process holds the output
	go func() { s.cmd.Wait(); close(s.exited) }() // ends with the process
	t.Cleanup(func() { s.stop(timeout) })
	if err := s.await("to start", s.began.Load); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *session) read(r *os.File, begin string) {
	defer close(s.silent)
	defer r.Close()
	for lines := bufio.NewReader(r); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		s.keep(strings.TrimSuffix(line, "\n"))
		if strings.Contains(line, s.ready) {
			s.workers.Add(1)
		}
		if strings.HasPrefix(line, "goroutine ") {
			s.goroutines.Add(1)
		}
		if strings.Contains(line, begin) {
			s.began.Store(true)
		}
	}
}

func (s *session) keep(line string) {
	if *echoFlag {
		fmt.Fprintln(os.Stderr, time.Now().Format("15:04:05.000"), line)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = append(s.last, line)
	s.last = s.last[max(0, len(s.last)-linesKept):]
}

// output returns the last lines that the session has printed.
func (s *session) output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.last, "\n")
}

// await polls until a condition is true.
func (s *session) await(what string, condition func() bool) error {
	for end := time.Now().Add(timeout); !condition(); time.Sleep(2 * time.Millisecond) {
		select {
		case <-s.silent:
			return fmt.Errorf("%s exited while the test waited for it %s; output:\n%s", s.cmd, what, s.output())
		default:
		}
		if time.Now().After(end) {
			return fmt.Errorf("timeout while the test waited for %s %s; output:\n%s", s.cmd, what, s.output())
		}
	}
	return nil
}

// reload sends SIGHUP and waits until a new worker serves.
func (s *session) reload() error {
	before := s.workers.Load()
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	return s.await("to reload", func() bool { return s.workers.Load() > before })
}

// stop sends SIGTERM, waits until the process and its workers have exited, and
// kills the process if it does not exit in time.
func (s *session) stop(bound time.Duration) error {
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(bound):
		s.cmd.Process.Kill()
		<-s.exited
		return fmt.Errorf("%s did not exit within %v after SIGTERM", s.cmd, bound)
	}
	select {
	case <-s.silent:
		return nil
	case <-time.After(timeout):
		return errors.New("a process that " + s.cmd.String() + " has started still runs")
	}
}

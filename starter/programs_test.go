package starter

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// The test binary is also the exec stage, the guard and the workers.
func TestMain(m *testing.M) {
	DispatchReexec()
	if name := os.Getenv("STARTER_TEST_PROGRAM"); name != "" {
		if err := programs()[name](); err != nil {
			fmt.Fprintln(os.Stderr, name+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// program returns a command that runs one of programs.
func program(name string, env ...string) *Command {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	env = append(env, "STARTER_TEST_PROGRAM="+name, "GORACE=atexit_sleep_ms=0")
	// A program may start another program. Of two variables the first counts.
	return &Command{Path: self, Env: append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "STARTER_TEST_PROGRAM=") }), env...)}
}

// shell returns a command that runs a script of sh(1).
func shell(script string) *Command {
	return &Command{Path: "/bin/sh", Args: []string{"sh", "-c", script}}
}

func programs() map[string]func() error {
	return map[string]func() error{
		"echo":      echo,
		"describe":  describe,
		"hold":      func() error { return untilTerm() },
		"listen":    listen,
		"stubborn":  stubborn,
		"prefork":   prefork,
		"notify":    sayNotify,
		"say":       func() error { _, err := dialNotify(); return err },
		"broker":    sayBroker,
		"deafen":    deafen,
		"halfway":   func() error { return echoOn(3) },
		"supervise": supervise,
		"starve":    starve,
		"report":    report,
		"poll":      ownPoll,
		"ring":      ring,
		"unlinker":  unlinker,
		"binder":    binder,
		"remover":   remover,
	}
}

func untilTerm() error {
	<-terms()
	return nil
}

// terms catches SIGTERM. A program calls it before it serves, since the signal may
// follow at once.
func terms() <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	return signals
}

func stubborn() error {
	signal.Ignore(syscall.SIGTERM)
	fmt.Println("deaf")
	time.Sleep(time.Hour) // select {} alone is a deadlock where there is no cgo
	return nil
}

// echo answers each line with the same line. At SIGTERM it stops accepting, and exits
// when its connections are closed.
func echo() error { return echoOn(3) }

func echoOn(fd int) error {
	term := terms()
	l, err := net.FileListener(os.NewFile(uintptr(fd), "inherited"))
	if err != nil {
		return err
	}
	go func() {
		<-term
		l.Close()
	}()
	var open sync.WaitGroup
	defer open.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			return nil
		}
		open.Go(func() {
			defer c.Close()
			io.Copy(c, c)
		})
	}
}

// listen makes a listener, and accepts when its stdin is closed.
func listen() error {
	term := terms()
	l, err := net.FileListener(os.NewFile(3, "inherited"))
	if err != nil {
		return err
	}
	fmt.Println("listening")
	io.Copy(io.Discard, os.Stdin)
	go l.Accept()
	<-term
	return nil
}

// deafen shuts down the socket that all workers share.
func deafen() error {
	if err := unix.Shutdown(3, unix.SHUT_RDWR); err != nil {
		return err
	}
	return untilTerm()
}

// prefork starts a child that accepts.
func prefork() error {
	term := terms()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "STARTER_TEST_PROGRAM=echo")
	cmd.ExtraFiles = []*os.File{os.NewFile(3, "inherited")}
	if err := cmd.Start(); err != nil {
		return err
	}
	<-term
	cmd.Process.Signal(syscall.SIGTERM)
	return cmd.Wait()
}

// dialNotify connects to NOTIFY_SOCKET and sends READY=1.
func dialNotify() (net.Conn, error) {
	c, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return nil, err
	}
	fmt.Fprint(c, "STATUS=warming up")
	_, err = fmt.Fprint(c, "STATUS=done\nREADY=1\n")
	return c, err
}

func sayNotify() error {
	c, err := dialNotify()
	if err != nil {
		return err
	}
	for range 5000 { // more than a queue holds
		c.SetWriteDeadline(time.Now().Add(patient))
		if _, err := fmt.Fprint(c, "STATUS=serving"); err != nil {
			return err
		}
	}
	fmt.Println("said it all")
	return untilTerm()
}

// sayBroker is a worker with the broker's protocol: it says ready, and drained when
// it gets drain.
func sayBroker() error {
	term := terms()
	number, _ := strconv.Atoi(os.Getenv("HOTSTART_FD"))
	c := os.NewFile(uintptr(number), "broker")
	fmt.Fprint(c, "hello 1\nready\n")
	go func() {
		for lines := bufio.NewScanner(c); lines.Scan(); {
			fmt.Println("told", lines.Text())
			if lines.Text() == "drain" {
				fmt.Fprint(c, "drained\n")
			}
		}
	}()
	<-term
	return nil
}

// description describes a process.
type description struct {
	PID     int
	Dir     string
	Env     map[string]string
	FDs     map[int]string // number: what it is
	Blocked bool           // stdout is in blocking mode
}

// describe writes a description to stdout.
func describe() error {
	d := description{PID: os.Getpid(), Env: map[string]string{}, FDs: map[int]string{}}
	d.Dir, _ = os.Getwd()
	for _, v := range os.Environ() {
		name, value, _ := strings.Cut(v, "=")
		d.Env[name] = value
	}
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, name := range names {
		to, err := os.Readlink("/proc/self/fd/" + name.Name())
		number, _ := strconv.Atoi(name.Name())
		own := strings.HasPrefix(to, "anon_inode:") || strings.HasPrefix(to, "/sys/") || strings.HasPrefix(to, "/proc/")
		if err == nil && !own { // of the Go runtime, or this listing
			d.FDs[number] = to
		}
	}
	flags, err := unix.FcntlInt(1, unix.F_GETFL, 0)
	d.Blocked = err == nil && flags&unix.O_NONBLOCK == 0
	if err := json.NewEncoder(os.Stdout).Encode(d); err != nil {
		return err
	}
	return untilTerm()
}

// supervise is a program with a Starter that kills descendants. Its worker runs the
// script in SCRIPT. It stops at SIGTERM, or when its stdin is closed.
func supervise() error {
	s, err := New(Options{
		Ports: []string{"127.0.0.1:0"}, Interval: 10 * time.Millisecond, CanReexec: true, KillDescendants: true,
		EnvMarker: os.Getenv("MARK_TO_USE"), StopTimeout: 10 * time.Second,
	})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	c := shell(os.Getenv("SCRIPT"))
	if c.Stdin, err = os.Open(os.DevNull); err != nil {
		return err
	}
	s.Reload(c)
	return s.Run(ctx)
}

// report is a program with a Starter that kills descendants. Its worker runs SCRIPT
// on a socket. It prints the kind of each event, until its stdin is closed.
func report() error {
	events := make(chan Event, 100)
	s, err := New(Options{
		Ports: []string{"127.0.0.1:0"}, Ready: ReadyAccept, Interval: 20 * time.Millisecond, ReadyTimeout: patient / 2,
		CanReexec: true, KillDescendants: true, Report: func(e Event) { events <- e },
	})
	if err != nil {
		return err
	}
	go func() {
		for e := range events {
			fmt.Println(e.Kind, e)
		}
	}()
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	s.Reload(shell(os.Getenv("SCRIPT")))
	return s.Run(ctx)
}

// starve starts a worker with an increasing limit of descriptors, and reports the
// descriptors that a failed start has left open.
func starve() error {
	s, err := New(Options{Ports: []string{"127.0.0.1:0"}, Ready: ReadyAuto, CanReexec: true})
	if err != nil {
		return err
	}
	defer s.Close()
	hold := program("hold")
	w, err := startWorker(s, 1, hold, hold.Env) // the runtime opens its own now
	if err != nil {
		return err
	}
	killAndWait(w)
	before, err := openFiles()
	if err != nil {
		return err
	}
	var limit unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	failed := 0
	for room := range 64 {
		low := limit
		assign(&low.Cur, 3+room)
		unix.Setrlimit(unix.RLIMIT_NOFILE, &low)
		w, err := startWorker(s, 1, hold, hold.Env)
		unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
		if err == nil {
			killAndWait(w)
			if failed < 5 {
				return fmt.Errorf("only %d starts failed", failed)
			}
			fmt.Println("starved well")
			return nil
		}
		failed++
		after, err := openFiles()
		if err != nil || after > before { // fewer: a descriptor of the previous start may be closed late
			return fmt.Errorf("with room for %d there are %d files open, were %d, %v", room, after, before, err)
		}
	}
	return fmt.Errorf("it never started")
}

// assign sets a limit, which is signed on some systems.
func assign[T int64 | uint64](limit *T, n int) { *limit = T(n) }

func killAndWait(w *running) {
	w.Signal(syscall.SIGKILL)
	w.Wait()
	w.end()
}

// openFiles counts the descriptors of this process.
func openFiles() (int, error) {
	names, err := os.ReadDir("/proc/self/fd")
	return len(names), err
}

// show is a running Starter, with its events.
type show struct {
	*Starter
	t      testing.TB
	events chan Event
	stop   context.CancelFunc
	done   chan error
	seen   []string
}

const patient = 30 * time.Second

// run runs a Starter with c. It is stopped at the end of the test.
func run(t testing.TB, o Options, c *Command) *show {
	t.Helper()
	sh := &show{t: t, events: make(chan Event, 1000), done: make(chan error, 1)}
	o.Report = func(e Event) { sh.events <- e }
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	sh.Starter = s
	var ctx context.Context
	ctx, sh.stop = context.WithCancel(context.Background())
	go func() { sh.done <- s.Run(ctx) }()
	t.Cleanup(func() {
		sh.stop()
		select {
		case <-s.ended:
		case <-time.After(patient):
			t.Error("it did not stop")
			s.Signal(syscall.SIGTERM)
			<-s.ended
		}
	})
	if c != nil {
		s.Reload(c)
	}
	return sh
}

// await returns the next event of a kind.
func (sh *show) await(kind Kind) Event {
	sh.t.Helper()
	late := time.After(patient)
	for {
		select {
		case e := <-sh.events:
			sh.seen = append(sh.seen, e.String())
			if e.Kind == kind {
				return e
			}
		case <-late:
			sh.t.Fatalf("waited in vain for an event; had: %s", strings.Join(sh.seen, "; "))
		}
	}
}

// end waits until Run returns.
func (sh *show) end() error {
	sh.t.Helper()
	select {
	case err := <-sh.done:
		return err
	case <-time.After(patient):
		sh.t.Fatalf("Run does not return; had: %s", strings.Join(sh.seen, "; "))
		return nil
	}
}

// reader returns a file for the Stdout of a command, and a reader of it.
func reader(t testing.TB) (*os.File, *bufio.Reader) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	r.SetReadDeadline(time.Now().Add(patient))
	return w, bufio.NewReader(r)
}

// until polls a condition.
func until(t testing.TB, what string, fact func() bool) {
	t.Helper()
	for last := time.Now().Add(patient); !fact(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(last) {
			t.Fatalf("timed out: %s", what)
		}
	}
}

// public copies a program to a place where every user may run it.
func public(t *testing.T, path string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hotstart-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	to := filepath.Join(dir, "program")
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, to); err != nil {
		if out, err := exec.Command("cp", path, to).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	return to
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

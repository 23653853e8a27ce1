package starter

import (
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"github.com/hotstart/hotstart/starter/internal/ready"
	"github.com/hotstart/hotstart/starter/internal/sock"
	"golang.org/x/sys/unix"
)

// python returns a command that runs a script with the socket at descriptor 3. It
// skips the test without python3.
func python(t *testing.T, script string) *Command {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3")
	}
	bits, err := exec.Command(path, "-c", "import struct; print(8 * struct.calcsize('P'), end='')").Output()
	if err != nil || string(bits) != strconv.Itoa(strconv.IntSize) {
		t.Skipf("needs a python3 of %d bits, as this test is: the system calls of another have other numbers", strconv.IntSize)
	}
	return &Command{Path: path, Args: []string{"python3", "-c", "import os, signal, socket, time\ns = socket.socket(fileno=3)\n" + script}}
}

// How workers become ready.
func TestReadiness(t *testing.T) {
	t.Parallel()
	one, two := []string{"127.0.0.1:0"}, []string{"127.0.0.1:0", "127.0.0.1:0"}
	never := 100 * time.Hour
	for _, test := range []struct {
		name     string
		ready    Readiness
		ports    []string
		interval time.Duration
		command  func(t *testing.T) *Command
	}{
		{"accept sees a worker in Go", ReadyAccept, one, never, goProgram("echo")},
		{"accept sees the child of a worker", ReadyAccept, one, never, goProgram("prefork")},
		{"accept sees a blocking accept", ReadyAccept, one, never, func(t *testing.T) *Command { return python(t, "s.accept()") }},
		{"accept sees poll", ReadyAccept, one, never, func(t *testing.T) *Command {
			return python(t, "import select\np = select.poll()\np.register(0, 0)\np.register(s, select.POLLIN)\np.poll()")
		}},
		{"accept sees select", ReadyAccept, one, never, func(t *testing.T) *Command {
			return python(t, "import select\nselect.select([s], [], [])")
		}},
		{"accept sees a blocking accept in a forked child", ReadyAccept, one, never, func(t *testing.T) *Command {
			return python(t, `
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
child = os.fork() or s.accept()
signal.sigwait({signal.SIGTERM})
os.kill(child, signal.SIGKILL)`)
		}},
		{"accept is content with one of two sockets after the interval", ReadyAccept, two, 30 * time.Millisecond, goProgram("halfway")},
		{"accept is the interval without stream sockets", ReadyAccept, []string{"127.0.0.1:u0"}, time.Millisecond, goProgram("hold")},
		{"notify hears NOTIFY_SOCKET", ReadyNotify, one, never, goProgram("notify")},
		{"notify hears the broker", ReadyNotify, nil, never, goProgram("broker")},
		{"auto sees what accepts", ReadyAuto, one, never, goProgram("echo")},
		{"auto hears NOTIFY_SOCKET", ReadyAuto, one, never, goProgram("notify")},
		{"auto hears the broker", ReadyAuto, one, never, goProgram("broker")},
		{"auto is the interval without sockets", ReadyAuto, nil, time.Millisecond, goProgram("hold")},
		{"interval needs nothing", ReadyInterval, one, time.Millisecond, goProgram("hold")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sh := run(t, Options{Ports: test.ports, Ready: test.ready, Interval: test.interval, ReadyTimeout: patient, CanReexec: true}, test.command(t))
			for {
				e := <-sh.events
				if e.Kind == Serving {
					return
				}
				if e.Kind != Starting {
					t.Fatal(e)
				}
			}
		})
	}
}

// startWith starts a program with the socket at descriptor 3, without a Starter. Its
// stdin is closed at the end of the test.
func startWith(t *testing.T, s *sock.Socket, c *Command) (pid int, stdin io.Closer) {
	t.Helper()
	fd, err := unix.FcntlInt(uintptr(s.Descriptor), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	given := os.NewFile(uintptr(fd), "given")
	defer given.Close()
	cmd := exec.Command(c.Path)
	if len(c.Args) > 0 {
		cmd.Args = c.Args
	}
	cmd.Env, cmd.ExtraFiles, cmd.Stderr = c.Env, []*os.File{given}, os.Stderr
	stdin, err = cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd.Process.Pid, stdin
}

// A program in Go has registered its listener long before it accepts, with
// epoll(7): that proves nothing.
func TestAListenerInGoThatDoesNotAcceptYet(t *testing.T) {
	t.Parallel()
	s := listenOn(t, "127.0.0.1:0")
	asked := []uint64{s.Inode, 1}
	pid, stdin := startWith(t, s, program("listen"))
	until(t, "its listener is not seen", func() bool { return slices.Equal(ready.Inspect(pid, asked).MayWait, asked[:1]) })
	if got := ready.Inspect(pid, asked); len(got.Waits) > 0 || got.Unreadable != nil {
		t.Errorf("%+v", got)
	}
	stdin.Close()
	until(t, "its Accept is not seen", func() bool { return slices.Equal(ready.Inspect(pid, asked).Waits, asked[:1]) })
	if got := ready.Inspect(pid, asked); len(got.MayWait) > 0 || got.Unreadable != nil {
		t.Errorf("%+v", got)
	}
}

func goProgram(name string) func(t *testing.T) *Command {
	return func(*testing.T) *Command { return program(name) }
}

// Workers that do not become ready time out.
func TestNotReady(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		ready   Readiness
		command func(t *testing.T) *Command
	}{
		{"a worker that only holds the socket", ReadyAccept, goProgram("hold")},
		{"a worker that listens on another one", ReadyAccept, func(t *testing.T) *Command {
			return python(t, "o = socket.socket()\no.bind(('127.0.0.1', 0))\no.listen()\no.accept()")
		}},
		{"a worker that waits to write to the socket, or for another", ReadyAccept, func(t *testing.T) *Command {
			return python(t, "import select\no = socket.socket()\no.bind(('127.0.0.1', 0))\no.listen()\nselect.select([o], [], [s])")
		}},
		{"a worker that accepts and says nothing", ReadyNotify, goProgram("echo")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := Options{
				Ports: []string{"127.0.0.1:0", "127.0.0.1:0"}, Ready: test.ready, Interval: 100 * time.Hour,
				ReadyTimeout: 300 * time.Millisecond, StopTimeout: time.Second, MaxStartFailures: 1, CanReexec: true,
			}
			sh := run(t, o, test.command(t))
			for {
				e := <-sh.events
				if e.Kind == TimedOut {
					return
				}
				if e.Kind != Starting {
					t.Fatal(e)
				}
			}
		})
	}
}

// A worker that keeps sending its state must not block.
func TestNotifyIsReadToTheEnd(t *testing.T) {
	t.Parallel()
	c := program("notify")
	stdout, out := reader(t)
	c.Stdout = stdout
	run(t, Options{Ready: ReadyNotify, CanReexec: true}, c).await(Serving)
	if line, err := out.ReadString('\n'); line != "said it all\n" {
		t.Error(line, err)
	}
}

func TestExiting(t *testing.T) {
	if proc.Exiting(os.Getpid()) {
		t.Error("this process lives")
	}
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "it ends", func() bool { return proc.Exiting(cmd.Process.Pid) }) // a zombie, since it is not reaped
	cmd.Wait()
	if !proc.Exiting(cmd.Process.Pid) {
		t.Error("it is gone")
	}
}

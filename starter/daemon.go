package starter

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"golang.org/x/sys/unix"
)

// daemonVariable tells a process that it is to be a daemon: the descriptor
// that it reports on.
const daemonVariable = "HOTSTART_DAEMON"

// Daemonize runs this program once more, with the same arguments, in a
// session of its own and with nothing to read, and waits until that says
// Daemon.Up or ends. Its error is what Daemon.Failed was told. Signals that
// come meanwhile are passed on to it.
//
// inherited are the sockets that ActivationSockets has returned; it returns
// them in the daemon, too. The program must call DispatchReexec first in main.
func Daemonize(inherited []int, signals <-chan os.Signal) error {
	exe, err := proc.Executable()
	if err != nil {
		return fmt.Errorf("starting the daemon: %w", err)
	}
	read, write, err := proc.Pipe()
	if err != nil {
		return fmt.Errorf("starting the daemon: %w", err)
	}
	report := os.NewFile(uintptr(read), "report")
	defer report.Close()
	pid, err := forkDaemon(exe, inherited, write)
	unix.Close(write)
	if err != nil {
		return fmt.Errorf("starting the daemon: %w", err)
	}
	return awaitDaemon(pid, report, signals)
}

// forkDaemon starts the daemon by way of the exec stage, which tells it its
// LISTEN_PID.
func forkDaemon(exe string, inherited []int, report int) (pid int, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDONLY, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	files := []uintptr{null.Fd(), 1, 2}
	env := without(os.Environ(), daemonVariable)
	for _, fd := range inherited {
		files = append(files, uintptr(fd))
	}
	if len(inherited) > 0 {
		env = append(env, "LISTEN_FDS="+strconv.Itoa(len(inherited)))
	}
	env = append(env, daemonVariable+"="+strconv.Itoa(len(files)))
	// The exec stage closes what it reports on as it execs: that is a copy.
	files = append(files, uintptr(report), uintptr(report))
	argv := proc.StageArgs(len(files)-1, "", exe, os.Args)
	return syscall.ForkExec(exe, argv, &syscall.ProcAttr{
		Env: env, Files: files, Sys: &syscall.SysProcAttr{Setsid: true},
	})
}

// awaitDaemon reads what the daemon reports: "up", or why it is not.
func awaitDaemon(pid int, report io.Reader, signals <-chan os.Signal) error {
	said := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(io.LimitReader(report, 64<<10))
		said <- string(b)
	}()
	for {
		select {
		case word := <-said:
			if word == "up" {
				return nil
			}
			status := proc.Reap(pid)
			if word == "" {
				word = "it ended before its first worker was up: " + outcome(status)
			}
			message, hint, _ := strings.Cut(word, "\x00")
			return &DaemonError{message, hint}
		case sig := <-signals:
			unix.Kill(pid, sig.(syscall.Signal))
		}
	}
}

// A DaemonError is why a daemon has not come up, in its own words.
type DaemonError struct{ message, hint string }

func (e *DaemonError) Error() string { return "starting the daemon: " + e.message }

// Hint says how to go on, if the daemon's error did.
func (e *DaemonError) Hint() string { return e.hint }

// A Daemon is what a process has that Daemonize has made.
type Daemon struct{ report *os.File }

// AsDaemon returns nil in any other process. It is called once, before
// anything is started.
func AsDaemon() *Daemon {
	fd, err := strconv.Atoi(os.Getenv(daemonVariable))
	os.Unsetenv(daemonVariable)
	if err != nil || fd < firstFD {
		return nil
	}
	unix.CloseOnExec(fd)
	return &Daemon{os.NewFile(uintptr(fd), "report")}
}

// Up lets Daemonize return: the first worker is up.
func (d *Daemon) Up() { d.say("up") }

// Failed lets Daemonize return with an error, after this process has ended.
func (d *Daemon) Failed(err error) {
	word := err.Error()
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		word += "\x00" + hinted.Hint()
	}
	d.say(word)
}

// say reports once: the first word counts.
func (d *Daemon) say(word string) {
	if d.report != nil {
		io.WriteString(d.report, word)
		d.report.Close()
		d.report = nil
	}
}

package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hotstart/hotstart/starter"
	"github.com/hotstart/hotstart/starter/internal/proc"
)

// daemonVariable has the descriptor on which a detached process reports to its
// Parent.
const daemonVariable = "HOTSTART_DAEMON"

// Detach runs this program again, with the same arguments, in a session of its
// own and with /dev/null as stdin, and waits until the new process calls Ready
// or Fail of its Parent, or exits. The error is a *DetachError unless the process
// can't be started. Signals that arrive meanwhile are passed on to the new
// process.
//
// inherited are the sockets that starter.ActivationSockets has returned; it
// returns them in the new process, too. The program must call
// starter.DispatchReexec first in main.
func Detach(inherited []int, signals <-chan os.Signal) error {
	pid, report, err := startDetached(inherited)
	if err != nil {
		return fmt.Errorf("starting the daemon: %w", err)
	}
	defer report.Close()
	return await(pid, report, signals)
}

// startDetached starts this program by way of the exec stage, which sets its
// LISTEN_PID. It returns the read end of its report.
func startDetached(inherited []int) (pid int, report *os.File, err error) {
	exe, err := proc.Executable()
	if err != nil {
		return 0, nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, nil, err
	}
	defer null.Close()
	report, write, err := os.Pipe()
	if err != nil {
		return 0, nil, err
	}
	defer write.Close()
	files := []uintptr{null.Fd(), 1, 2}
	for _, fd := range inherited {
		files = append(files, uintptr(fd))
	}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return nameOf(v) == daemonVariable })
	if len(inherited) > 0 {
		env = append(env, "LISTEN_FDS="+strconv.Itoa(len(inherited)))
	}
	env = append(env, daemonVariable+"="+strconv.Itoa(len(files)))
	// The second copy is for the exec stage, which closes it on exec.
	files = append(files, write.Fd(), write.Fd())
	argv := proc.StageArgs(len(files)-1, "", exe, os.Args)
	pid, err = syscall.ForkExec(exe, argv, &syscall.ProcAttr{Env: env, Files: files, Sys: &syscall.SysProcAttr{Setsid: true}})
	if err != nil {
		report.Close()
	}
	return pid, report, err
}

// ready is the report of a detached process that is ready. Every other report is
// an error.
const ready = "up"

// await waits for the report of a detached process.
func await(pid int, report io.Reader, signals <-chan os.Signal) error {
	reports := make(chan string, 1)
	go func() { // ends with the report
		b, _ := io.ReadAll(io.LimitReader(report, 64<<10))
		reports <- string(b)
	}()
	for {
		select {
		case text := <-reports:
			if text == ready {
				return nil
			}
			status := proc.Reap(pid)
			if text == "" {
				text = "it ended before its first worker was up: " + starter.Event{Status: status}.Reason()
			}
			message, hint, _ := strings.Cut(text, "\x00")
			return &DetachError{message, hint}
		case sig := <-signals:
			unix.Kill(pid, sig.(syscall.Signal))
		}
	}
}

// A DetachError is the error that a detached process has reported.
type DetachError struct{ message, hint string }

func (e *DetachError) Error() string { return "starting the daemon: " + e.message }

// Hint returns what the user can do; "" if the error of the detached process had
// no hint.
func (e *DetachError) Hint() string { return e.hint }

// A Parent is the process that has called Detach and waits for this one. The
// first call of its methods counts, further calls do nothing.
type Parent struct{ report *os.File }

// Detached returns the Parent of this process, or nil if Detach has not started
// this process. It must be called once, before a child process is started.
func Detached() *Parent {
	const stderr = 2
	fd, err := strconv.Atoi(os.Getenv(daemonVariable))
	os.Unsetenv(daemonVariable)
	if err != nil || fd <= stderr {
		return nil
	}
	unix.CloseOnExec(fd)
	return &Parent{os.NewFile(uintptr(fd), "report")}
}

// Ready makes Detach return nil.
func (p *Parent) Ready() { p.send(ready) }

// Fail makes Detach return an error with the message and the Hint of err, as soon
// as this process has exited.
func (p *Parent) Fail(err error) {
	text := err.Error()
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		text += "\x00" + hinted.Hint()
	}
	p.send(text)
}

func (p *Parent) send(text string) {
	if p.report != nil {
		io.WriteString(p.report, text)
		p.report.Close()
		p.report = nil
	}
}

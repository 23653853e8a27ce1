package session

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
)

// console joins a session to a person at a terminal. Without a terminal its
// fields are nil.
type console struct {
	screen  *term.Screen
	streams *term.Streams

	tty       *term.RawTTY
	input     *term.StdinRelay // of the program
	keys      <-chan []byte
	suspended <-chan os.Signal // Ctrl-Z
	continued <-chan os.Signal
	aborted   <-chan os.Signal // Ctrl-\
	resized   <-chan os.Signal
	children  <-chan os.Signal // SIGCHLD: a worker may have been suspended
}

// attach takes the terminal for keyboard shortcuts, or with stdin for the
// program. Reading ends with ctx.
func (c *console) attach(ctx context.Context, stdin bool) (err error) {
	terminal := term.IsTerminal(os.Stdin)
	if term.HasControllingTTY() {
		c.children = notify(syscall.SIGCHLD)
	}
	if c.streams.GivesPTY(os.Stderr) {
		c.resized = notify(syscall.SIGWINCH)
	}
	switch {
	case stdin && !(terminal && c.streams.GivesPTY(os.Stderr)):
		c.input = term.NewStdinRelay(ctx, term.ReadAll(ctx, os.Stdin))
		return nil
	case !terminal || !c.screen.IsTerminal() && !stdin:
		return nil
	}
	c.suspended, c.continued, c.aborted = notify(syscall.SIGTSTP), notify(syscall.SIGCONT), notify(syscall.SIGQUIT)
	control := c.screen.Control
	if stdin {
		control = func(string) {} // the program does not expect marks of pasted text
	}
	if c.tty, err = term.OpenRawTTY(ctx, os.Stdin, control); err != nil {
		return err
	}
	if stdin {
		c.input = term.NewStdinRelay(ctx, c.tty.Input())
	} else {
		c.keys = term.Keys(ctx, c.tty.Input())
	}
	return nil
}

func notify(sig os.Signal) <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, sig)
	return signals
}

func (c *console) detach() {
	c.screen.SetStatus("")
	c.tty.Close()
}

// suspend stops this process at Ctrl-Z, with the terminal as it was. The program
// keeps running; its output waits. The kernel can't do that: the Go runtime never
// restores the default effect of SIGTSTP.
func (c *console) suspend() {
	if !term.IsStoppable() {
		return
	}
	status := c.screen.SetStatus("") // the shell shows its prompt
	c.tty.Restore()
	c.screen.Flush()
	syscall.Kill(syscall.Getpid(), syscall.SIGSTOP)
	select { // the signal takes its time
	case <-c.continued:
	case <-time.After(time.Second):
	}
	c.tty.Resume()
	c.screen.SetStatus(status)
}

// abort kills this process by SIGQUIT at Ctrl-\, with the terminal as it was.
func (c *console) abort() {
	c.detach()
	c.screen.Flush()
	signal.Reset(syscall.SIGQUIT)
	syscall.Kill(syscall.Getpid(), syscall.SIGQUIT)
	select {}
}

// isSuspended reports whether a process is stopped by a signal, according to
// /proc of Linux. Other systems don't show that. A process in the background that
// reads from the terminal, for example a passphrase, gets SIGTTIN.
func isSuspended(pid int) bool {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(b[bytes.LastIndexByte(b, ')')+1:]), " ")
	return strings.HasPrefix(rest, "T")
}

// programStreams are this process's ends of the standard streams of a program.
type programStreams struct {
	outputs []*term.Output
	lines   []*control.LineWriter // of outputs, for hotstart logs
	input   *os.File              // for writing; nil: the program reads nothing
	stdin   *os.File              // read end of input, if it is a pipe
}

// connect gives a command its standard streams. stdin is for a program that
// reads nothing. errs are about streams that could not be made.
func (c *console) connect(command *starter.Command, stdin *os.File) (s programStreams, errs []error) {
	connection, err := c.streams.Connect()
	if err != nil {
		errs = append(errs, fmt.Errorf("the output of the program is not captured: %w", err))
	}
	s.outputs, command.Stdout, command.Stderr = connection.Outputs, connection.Stdout, connection.Stderr
	if len(s.outputs) > 0 {
		command.LastOutput = s.outputs[0].Tail
	}
	command.Stdin = stdin
	switch {
	case c.input == nil:
	case c.tty != nil && len(s.outputs) > 0:
		command.Stdin, s.input = command.Stderr, s.outputs[0].Keys()
	default:
		if s.stdin, s.input, err = os.Pipe(); err != nil {
			errs = append(errs, fmt.Errorf("the program has no standard input: %w", err))
		} else {
			command.Stdin = s.stdin
		}
	}
	return s, errs
}

// close closes the streams. Workers that run keep their ends.
func (s programStreams) close() {
	for _, o := range s.outputs {
		o.Close()
	}
	if s.stdin != nil {
		s.input.Close()
		s.stdin.Close()
	}
}

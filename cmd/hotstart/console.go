package main

import (
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
)

// console joins the loop to a person at a terminal. Its fields belong to
// loop; without a terminal they are nil.
type console struct {
	keyboard  *term.RawTTY
	pressed   <-chan []byte    // keys
	suspended <-chan os.Signal // Ctrl-Z
	continued <-chan os.Signal
	aborted   <-chan os.Signal // Ctrl-\
	resized   <-chan os.Signal
	input     *term.StdinRelay // of the program
	children  <-chan os.Signal // SIGCHLD: a worker may have been stopped
	halted    []int            // pids of the workers that were said to be stopped
}

// sitDown takes the terminal for keys, or for the program, or leaves it.
func (w *watch) sitDown() (err error) {
	terminal := term.IsTerminal(os.Stdin)
	if term.HasControllingTTY() {
		w.children = notified(syscall.SIGCHLD)
	}
	if w.streams.GivesPTY(os.Stderr) {
		w.resized = notified(syscall.SIGWINCH)
	}
	switch {
	case w.o.Stdin && !(terminal && w.streams.GivesPTY(os.Stderr)):
		w.input = term.NewStdinRelay(w.ended, term.ReadAll(w.ended, os.Stdin))
		return nil
	case !terminal || !w.screen.IsTerminal() && !w.o.Stdin:
		return nil
	}
	w.suspended, w.continued, w.aborted = notified(syscall.SIGTSTP), notified(syscall.SIGCONT), notified(syscall.SIGQUIT)
	tell := w.screen.Control
	if w.o.Stdin {
		tell = nil
	}
	if w.keyboard, err = term.OpenRawTTY(w.ended, os.Stdin, tell); err != nil {
		return err
	}
	if w.o.Stdin {
		w.input = term.NewStdinRelay(w.ended, w.keyboard.Input())
		return nil
	}
	w.pressed = term.Keys(w.ended, w.keyboard.Input())
	return nil
}

func notified(sig os.Signal) <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, sig)
	return signals
}

// lookForStopped tells of a worker that the kernel has stopped: it is in the background
// of the terminal, and a process that reads from there, as for a passphrase, gets SIGTTIN.
func (w *watch) lookForStopped() {
	for _, worker := range []starter.Worker{w.starting, w.worker} {
		if worker.PID != 0 && !slices.Contains(w.halted, worker.PID) && isStopped(worker.PID) {
			w.halted = append(w.halted, worker.PID)
			w.emit(report.Halted{Worker: worker})
		}
	}
}

// isStopped reports whether a process is stopped by a signal, by Linux's /proc. Elsewhere
// that is not seen.
func isStopped(pid int) bool {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(b[bytes.LastIndexByte(b, ')')+1:]), " ")
	return strings.HasPrefix(rest, "T")
}

// standUp leaves the terminal as it was.
func (w *watch) standUp() {
	w.screen.SetStatus("")
	w.keyboard.Close()
}

// resize tells the workers' terminals, and the worker that serves.
func (w *watch) resize() {
	if w.streams.Resize() && !w.stopping {
		w.starter.Signal(syscall.SIGWINCH)
	}
}

// connectInput gives a command what it reads: nothing, as a rule.
func (w *watch) connectInput(a *attempt) (err error) {
	a.command.Stdin = w.stdin
	if w.input == nil {
		return nil
	}
	if w.keyboard != nil && len(a.outputs) > 0 {
		a.command.Stdin, a.input = a.command.Stderr, a.outputs[0].Keys()
	} else if a.command.Stdin, a.input, err = os.Pipe(); err != nil {
		a.command.Stdin = w.stdin
		return err
	}
	if w.worker == (starter.Worker{}) {
		w.input.SetReader(a.input)
	}
	return nil
}

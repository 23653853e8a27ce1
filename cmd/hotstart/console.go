package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// console joins the loop to a person at a terminal. Its fields belong to
// loop; without a terminal they are nil.
type console struct {
	keyboard  *keyboard
	pressed   <-chan []byte    // keys
	suspended <-chan os.Signal // Ctrl-Z
	continued <-chan os.Signal
	aborted   <-chan os.Signal // Ctrl-\
	resized   <-chan os.Signal
	input     *input // of the program
}

// sitDown takes the terminal for keys, or for the program, or leaves it.
func (w *watch) sitDown() (err error) {
	terminal := isTerminal(os.Stdin)
	if w.streams.terminal(os.Stderr) {
		w.resized = notified(syscall.SIGWINCH)
	}
	switch {
	case w.o.display.stdin && !(terminal && w.streams.terminal(os.Stderr)):
		w.input = newInput(readAll(os.Stdin, w.ended), w.ended)
		return nil
	case !terminal || !w.ui.terminal && !w.o.display.stdin:
		return nil
	}
	w.suspended, w.continued, w.aborted = notified(syscall.SIGTSTP), notified(syscall.SIGCONT), notified(syscall.SIGQUIT)
	tell := w.ui.control
	if w.o.display.stdin {
		tell = nil
	}
	if w.keyboard, err = newKeyboard(os.Stdin, tell, w.ended); err != nil {
		return err
	}
	if w.o.display.stdin {
		w.input = newInput(w.keyboard.typed, w.ended)
		return nil
	}
	w.pressed, w.ui.keyed = pressedKeys(w.keyboard.typed, w.ended), true
	return nil
}

func notified(sig os.Signal) <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, sig)
	return signals
}

// standUp leaves the terminal as it was.
func (w *watch) standUp() {
	w.ui.stay("")
	w.keyboard.release()
}

// resize tells the workers' terminals, and the worker that serves.
func (w *watch) resize() {
	size, err := unix.IoctlGetWinsize(int(os.Stderr.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return
	}
	w.streams.each(func(o *output) { o.resize(size) })
	if !w.stopping {
		w.starter.Signal(syscall.SIGWINCH)
	}
}

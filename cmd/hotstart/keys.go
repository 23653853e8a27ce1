package main

import (
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/browser"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
)

// keyHelp are the keys of hotstart watch.
var keyHelp = []struct{ key, does string }{
	{"r", "restart the program; build first only if there is newer code"},
	{"b", "build and reload, even if nothing has changed"},
	{"o", "open in the browser"},
	{"c", "clear the screen"},
	{"q", "quit when the program has finished; twice kills it immediately"},
	{"h", "this help"},
}

// press does what keys ask for. They end, with ok false, if the terminal can't
// be read any more.
func (w *watch) press(keys []byte, ok bool) {
	if !ok {
		w.pressed = nil
	}
	for _, key := range keys {
		switch key {
		case 'r':
			if !w.stopping {
				w.ui.say("restarting")
				w.restart()
			}
		case 'b':
			w.reload("building and reloading")
		case 'o':
			w.ui.open()
		case 'c':
			w.ui.Clear(false)
		case 'q':
			w.signaled(syscall.SIGINT)
		case 'h', '?':
			w.ui.keys()
		case '\n', '\r':
			w.ui.Write([]byte("\n")) // some like to part what they have read from what comes
		}
	}
}

// suspend stops this process at Ctrl-Z, with the terminal as it was. The program
// keeps running; its output waits. The kernel can't do that: the Go runtime never
// restores the default effect of SIGTSTP.
func (w *watch) suspend() {
	if !term.IsStoppable() {
		return
	}
	w.ui.HideStatus()
	w.keyboard.Restore()
	w.ui.Flush()
	syscall.Kill(syscall.Getpid(), syscall.SIGSTOP)
	select { // the signal takes its time
	case <-w.continued:
	case <-time.After(time.Second):
	}
	w.resume()
}

// abort dies of Ctrl-\, with the terminal as it was.
func (w *watch) abort() {
	w.standUp()
	w.ui.Flush()
	signal.Reset(syscall.SIGQUIT)
	syscall.Kill(syscall.Getpid(), syscall.SIGQUIT)
	select {}
}

// resume takes the terminal again, if it is this process's.
func (w *watch) resume() {
	w.keyboard.Resume()
	w.ui.ShowStatus()
}

// keys lists them.
func (u *watchUI) keys() {
	e := event{name: "note", text: "keys"}
	for _, k := range keyHelp {
		e.more += "  " + u.Accent(k.key) + "  " + k.does + "\n"
	}
	u.tell(e)
}

// open shows the program in a browser.
func (u *watchUI) open() {
	known := u.listens
	if len(known) == 0 {
		known = u.addresses
	}
	for _, a := range known {
		address := urlOf(a)
		if !strings.HasPrefix(address, "http") {
			continue
		}
		u.say("opening %s", address)
		if err := browser.Open(address); err != nil {
			u.warn("opening a browser: %v", err)
		}
		return
	}
	u.say("nothing to open: no HTTP address of the program is known")
}

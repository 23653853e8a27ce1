package main

import (
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/browser"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
)

// keyHelp are the keys of hotstart watch.
var keyHelp = []report.Key{
	{Key: "r", Does: "restart the program; build first only if there is newer code"},
	{Key: "b", Does: "build and reload, even if nothing has changed"},
	{Key: "o", Does: "open in the browser"},
	{Key: "c", Does: "clear the screen"},
	{Key: "q", Does: "quit when the program has finished; twice kills it immediately"},
	{Key: "h", Does: "this help"},
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
				w.notef("restarting")
				w.restart()
			}
		case 'b':
			w.reload("building and reloading")
		case 'o':
			w.openBrowser()
		case 'c':
			w.screen.Clear(false)
		case 'q':
			w.signaled(syscall.SIGINT)
		case 'h', '?':
			w.emit(report.Keys{Keys: keyHelp})
		case '\n', '\r':
			w.screen.Write([]byte("\n")) // some like to part what they have read from what comes
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
	w.screen.HideStatus()
	w.keyboard.Restore()
	w.screen.Flush()
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
	w.screen.Flush()
	signal.Reset(syscall.SIGQUIT)
	syscall.Kill(syscall.Getpid(), syscall.SIGQUIT)
	select {}
}

// resume takes the terminal again, if it is this process's.
func (w *watch) resume() {
	w.keyboard.Resume()
	w.screen.ShowStatus()
}

// openBrowser shows the program in a browser.
func (w *watch) openBrowser() {
	known := w.listens
	if len(known) == 0 {
		known = w.addresses
	}
	for _, a := range known {
		address := report.URL(a)
		if !strings.HasPrefix(address, "http") {
			continue
		}
		w.notef("opening %s", address)
		if err := browser.Open(address); err != nil {
			w.emit(report.Warningf("opening a browser: %v", err))
		}
		return
	}
	w.notef("nothing to open: no HTTP address of the program is known")
}

package main

import (
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
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
			w.ui.clear(false)
		case 'q':
			w.signaled(syscall.SIGINT)
		case 'h', '?':
			w.ui.keys()
		case '\n', '\r':
			w.ui.Write([]byte("\n")) // some like to part what they have read from what comes
		}
	}
}

// suspend stops this process as Ctrl-Z asks for, with the terminal as it was.
// The program goes on; what it writes waits. A session's first job has no
// shell that could continue it, and the kernel does not stop such a one
// either. It can't be left to the kernel: the Go runtime never gives SIGTSTP
// its own effect back.
func (w *watch) suspend() {
	if group, _ := unix.Getsid(0); group == unix.Getpgrp() {
		return
	}
	w.ui.hide()
	w.keyboard.giveBack()
	w.ui.flush()
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
	w.ui.flush()
	signal.Reset(syscall.SIGQUIT)
	syscall.Kill(syscall.Getpid(), syscall.SIGQUIT)
	select {}
}

// resume takes the terminal again, if it is this process's.
func (w *watch) resume() {
	w.keyboard.resume()
	w.ui.show()
}

// keys lists them.
func (u *watchUI) keys() {
	e := event{name: "note", text: "keys"}
	for _, k := range keyHelp {
		e.more += "  " + u.prefix.Sprint(k.key) + "  " + k.does + "\n"
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
		if err := browse(address); err != nil {
			u.warn("opening a browser: %v", err)
		}
		return
	}
	u.say("nothing to open: no HTTP address of the program is known")
}

// browse starts a browser that outlives hotstart.
func browse(address string) error {
	name := os.Getenv("BROWSER")
	switch {
	case name != "":
	case runtime.GOOS == "darwin":
		name = "open"
	default:
		name = "xdg-open"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return err
	}
	return detached(exec.Command("/bin/sh", "-c", `"$0" "$1" >/dev/null 2>&1 &`, path, address))
}

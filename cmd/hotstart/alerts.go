package main

import (
	"context"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// alerts are for a person who looks elsewhere: the terminal's bell and title,
// and a notice on the desktop.
type alerts struct {
	program string // for the title and the notice
	bell    bool
	notify  bool
}

// programName is a short one for what is built in dir: "api" of ./cmd/api.
func programName(dir, pattern string) string {
	first, _, _ := strings.Cut(pattern, " ")
	return strings.TrimSuffix(filepath.Base(filepath.Join(dir, first)), ".go")
}

// begin keeps the terminal's title, to give it back in the end (XTWINOPS).
func (a alerts) begin(u *ui) { u.Control("\x1b[22;0t") }
func (a alerts) end(u *ui)   { u.Control("\x1b]2;\x07\x1b[23;0t") }

func (a alerts) broken(u *ui, what, standing string) {
	a.send(u, "✗ "+a.program+": "+what, standing)
}

func (a alerts) mended(u *ui) { a.send(u, "✓ "+a.program, "fixed") }

func (a alerts) send(u *ui, title, text string) {
	title, text = term.CleanLine(title), term.CleanLine(text)
	u.Control("\x1b]2;" + title + "\x07")
	if a.bell {
		u.Control("\a")
	}
	if a.notify && !notice(title, text) {
		u.Control("\x1b]9;" + title + "\x07") // iTerm2, kitty, WezTerm, foot
	}
}

// notice shows a notice on the desktop, unless nothing here can. It does not
// wait for that.
func notice(title, text string) bool {
	name, args := "notify-send", []string{"--app-name=hotstart", title, text}
	if runtime.GOOS == "darwin" {
		// What is shown is an argument, not a part of the script.
		name, args = "osascript", []string{"-e", "on run argv", "-e", "display notification (item 2 of argv) with title (item 1 of argv)", "-e", "end run", title, text}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return false
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		exec.CommandContext(ctx, path, args...).Run()
	}()
	return true
}

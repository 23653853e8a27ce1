package report

import (
	"context"
	"os/exec"
	"runtime"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
)

// Alerts reach a person who looks elsewhere when a reload fails and when it works
// again: by the title of the terminal's window, the bell, and a desktop
// notification.
type Alerts struct {
	screen       *term.Screen
	program      string // short name
	failing      string // headline in the title; "": none
	Bell, Notify bool
}

// NewAlerts saves the title of the terminal's window until Close (XTWINOPS).
func NewAlerts(s *term.Screen, program string) *Alerts {
	s.Control("\x1b[22;0t")
	return &Alerts{screen: s, program: program}
}

// Close restores the title.
func (a *Alerts) Close() { a.screen.Control("\x1b]2;\x07\x1b[23;0t") }

// Handle implements Sink.
func (a *Alerts) Handle(e Event) {
	if s, ok := e.(StatusChanged); ok {
		a.setTitle(s.Status.Failing)
	}
	if IsFix(e) {
		a.send("", "fixed")
	}
	if headline, current := Failure(e); headline != "" {
		a.send(headline, term.CleanLine(current))
	}
}

// setTitle shows a failure in the title; "": it is fixed.
func (a *Alerts) setTitle(headline string) (title string) {
	title = "✓ " + a.program
	if headline != "" {
		title = "✗ " + a.program + ": " + headline
	}
	title = term.CleanLine(title)
	if headline != a.failing {
		a.failing = headline
		a.screen.Control("\x1b]2;" + title + "\x07")
	}
	return title
}

func (a *Alerts) send(headline, text string) {
	title := a.setTitle(headline)
	if a.Bell {
		a.screen.Control("\a")
	}
	if a.Notify && !notify(title, text) {
		a.screen.Control("\x1b]9;" + title + "\x07") // iTerm2, kitty, WezTerm, foot
	}
}

// notify shows a desktop notification, without waiting for that. It reports false
// if this system has no command to do so.
func notify(title, text string) bool {
	name, args := "notify-send", []string{"--app-name=hotstart", title, text}
	if runtime.GOOS == "darwin" {
		// The text is an argument, not a part of the script.
		name, args = "osascript", []string{"-e", "on run argv", "-e", "display notification (item 2 of argv) with title (item 1 of argv)", "-e", "end run", title, text}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return false
	}
	go func() { // ends with the command, after 10 s at the latest
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		exec.CommandContext(ctx, path, args...).Run()
	}()
	return true
}

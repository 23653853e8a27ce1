package term

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// The reader must not change the modes again after they were restored, nor while the
// process is in the background.
func TestRawTTYRestoresTheModes(t *testing.T) {
	if !HavePTY {
		t.Skip("no pseudo-terminal on this system yet")
	}
	master, slave, err := OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	asleep, wake, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer asleep.Close()
	defer wake.Close()
	foreground := true
	k := &RawTTY{fd: int(slave.Fd()), wake: wake, control: func(string) {}, inForeground: func() bool { return foreground }}
	for _, step := range []struct {
		name  string
		do    func()
		lines bool
	}{
		{"as it was", func() {}, true},
		{"taken", func() { k.take() }, false},
		{"restored", k.Restore, true},
		{"its reader wakes", func() { k.take() }, true},
		{"resumed", k.Resume, false},
		{"resumed twice", k.Resume, false},
		{"restored again", k.Restore, true},
		{"resumed in the background", func() { foreground = false; k.Resume() }, true},
		{"back in the foreground", func() { foreground = true; k.take() }, false},
	} {
		step.do()
		modes, err := unix.IoctlGetTermios(k.fd, GetModes)
		if err != nil {
			t.Fatal(err)
		}
		if lines := modes.Lflag&(unix.ICANON|unix.ECHO) == unix.ICANON|unix.ECHO; lines != step.lines {
			t.Errorf("%s: the terminal gives lines: %v", step.name, lines)
		}
	}
}

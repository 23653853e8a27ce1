package main

import (
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// cmdTerminal implements terminal COMMAND ARG...: start on a new terminal, in the
// foreground of a session with a controlling terminal.
func cmdTerminal(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	s := processOf(ts)
	master, slave, err := term.OpenPTY()
	ts.Check(err)
	defer slave.Close()
	modes, err := unix.IoctlGetTermios(int(slave.Fd()), term.GetModes)
	ts.Check(err)
	modes.Oflag |= unix.OPOST | unix.ONLCR
	ts.Check(unix.IoctlSetTermios(int(slave.Fd()), term.SetModes, modes))
	ts.Check(unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 100}))
	s.prepare(ts, args)
	s.cmd.Env = append(s.cmd.Env, "TERM=xterm-256color", "NO_COLOR=", "PS1=prompt> ")
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = slave, slave, slave
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	s.master, s.printed = master, make(chan struct{})
	out, printed := s.out, s.printed
	go func() { // ends when the terminal is closed by all processes
		defer close(printed)
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			if err != nil {
				return
			}
			out.Write(b[:n])
		}
	}()
	s.begin(ts)
}

// type TEXT: presses keys. ^C and the like are control characters, ^[ is ESC.
func cmdType(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	var keys strings.Builder
	for text := strings.ReplaceAll(args[0], `\n`, "\r"); text != ""; text = text[1:] {
		if text[0] == '^' && len(text) > 1 {
			text = text[1:]
			keys.WriteByte(text[0] ^ '@') // so that ^? is DEL
			continue
		}
		keys.WriteByte(text[0])
	}
	_, err := processOf(ts).master.WriteString(keys.String())
	ts.Check(err)
}

// modes keys|lines: waits until the terminal passes on each key without an echo, or
// each line with an echo.
func cmdModes(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	const both = unix.ICANON | unix.ECHO
	want := map[string]uint32{"keys": 0, "lines": both}[args[0]]
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		modes, err := unix.IoctlGetTermios(int(processOf(ts).master.Fd()), term.GetModes)
		ts.Check(err)
		if uint32(modes.Lflag)&both == want && modes.Lflag&unix.ISIG != 0 {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("the terminal's modes are %#x:\n%s", modes.Lflag, processOf(ts).out.String())
		}
	}
}

// hangup: closes the terminal, like the window of a terminal.
func cmdHangup(ts *testscript.TestScript, neg bool, _ []string) {
	noNeg(ts, neg)
	ts.Check(processOf(ts).master.Close())
}

// resize COLUMNS: changes the width of the terminal.
func cmdResize(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	columns, err := strconv.Atoi(args[0])
	ts.Check(err)
	ts.Check(unix.IoctlSetWinsize(int(processOf(ts).master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: uint16(columns)}))
}

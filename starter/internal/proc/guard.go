package proc

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Guard is a process that outlives this process, however this process ends.
// It then ends what the workers have left behind: the process groups that it
// was given, and every process that has the mark in its environment.
type Guard struct {
	PID  int
	pipe *os.File // closed when this process ends
}

// StartGuard runs this program again as a guard, in a session of its own. The
// guard inherits nothing from this process but the pipe. tempDir is removed in
// the end; "": there is none.
func StartGuard(mark, tempDir string) (g *Guard, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("starting the guard: %w", err)
		}
	}()
	exe, err := Executable()
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		w.Close()
		return nil, err
	}
	defer null.Close()
	pid, err := syscall.ForkExec(exe, []string{guardName, mark, tempDir}, &syscall.ProcAttr{
		Dir:   "/",
		Env:   []string{},
		Files: []uintptr{r.Fd(), null.Fd(), null.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		w.Close()
		return nil, err
	}
	return &Guard{PID: pid, pipe: w}, nil
}

func (g *Guard) watch(pid int)  { fmt.Fprintf(g.pipe, "+%d\n", pid) }
func (g *Guard) forget(pid int) { fmt.Fprintf(g.pipe, "-%d\n", pid) }

// Close makes the guard do its work now, and waits for it.
func (g *Guard) Close() {
	g.pipe.Close()
	Reap(g.PID)
}

// guardMain is the main function of the guard. It reads process groups until the
// pipe is closed, then kills them, and removes the temporary directory.
func guardMain(args []string, pipe io.Reader) int {
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2)
	unload() // the guard waits as long as hotstart runs
	for pid := range groups(pipe) {
		unix.Kill(-pid, unix.SIGKILL)
	}
	killMarked(args[0])
	if tempDir := args[1]; tempDir != "" {
		os.RemoveAll(tempDir)
	}
	return 0
}

// groups reads the lines "+PID" and "-PID" until the pipe is closed, and
// returns the process groups that remain.
func groups(pipe io.Reader) map[int]bool {
	open := map[int]bool{}
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		line := lines.Text()
		pid, err := strconv.Atoi(line[min(1, len(line)):])
		if err != nil || pid <= 1 {
			continue
		}
		switch line[0] {
		case '+':
			open[pid] = true
		case '-':
			delete(open, pid)
		}
	}
	return open
}

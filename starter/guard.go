package starter

import (
	"bufio"
	"fmt"
	"io"
	"os"
	ossignal "os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// A guard is a process that outlives this one, whatever ends it, and then
// ends what the workers have left behind: the process groups that it was
// told of, and every process that carries the mark in its environment.
type guard struct {
	pid  int
	pipe *os.File // its end is the end of this process
}

// startGuard runs this program again as a guard, in a session of its own and
// with nothing of this process but the pipe.
func startGuard(mark, scratch string) (*guard, error) {
	exe, err := self()
	if err != nil {
		return nil, fmt.Errorf("starting the guard: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting the guard: %w", err)
	}
	defer r.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("starting the guard: %w", err)
	}
	defer null.Close()
	pid, err := syscall.ForkExec(exe, []string{guardName, mark, scratch}, &syscall.ProcAttr{
		Dir:   "/",
		Env:   []string{},
		Files: []uintptr{r.Fd(), null.Fd(), null.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("starting the guard: %w", err)
	}
	return &guard{pid: pid, pipe: w}, nil
}

func (g *guard) watch(pid int)  { fmt.Fprintf(g.pipe, "+%d\n", pid) }
func (g *guard) forget(pid int) { fmt.Fprintf(g.pipe, "-%d\n", pid) }

// close has the guard do its work now, and waits for it.
func (g *guard) close() {
	g.pipe.Close()
	reap(g.pid)
}

// guardMain is the guard's whole life: it learns of groups until the pipe
// ends, then it ends
// them, and removes the scratch folder.
func guardMain(args []string, pipe io.Reader) int {
	ossignal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2)
	for pid := range groups(pipe) {
		unix.Kill(-pid, unix.SIGKILL)
	}
	endMarked(args[0])
	if scratch := args[1]; scratch != "" {
		os.RemoveAll(scratch)
	}
	return 0
}

// groups reads "+PID" and "-PID" lines to their end and returns what stands.
func groups(pipe io.Reader) map[int]bool {
	standing := map[int]bool{}
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		line := lines.Text()
		pid, err := strconv.Atoi(line[min(1, len(line)):])
		if err != nil || pid <= 1 {
			continue
		}
		switch line[0] {
		case '+':
			standing[pid] = true
		case '-':
			delete(standing, pid)
		}
	}
	return standing
}

package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A superdaemon whose log or stderr is not read replaces workers, handles every
// signal and exits.
func TestARunWhoseOutputIsNotRead(t *testing.T) {
	for name, stall := range map[string]func(t *testing.T, cmd *exec.Cmd){
		"stderr": func(t *testing.T, cmd *exec.Cmd) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { r.Close() })
			fill(t, int(w.Fd()))
			cmd.Stderr = w
		},
		"a FIFO with a reader that does not read": func(t *testing.T, cmd *exec.Cmd) {
			fifo := filepath.Join(cmd.Dir, "fifo")
			if err := unix.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(fifo, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
			fill(t, int(f.Fd()))
			cmd.Args = append(cmd.Args, "--log-file=fifo")
		},
		"a FIFO without a reader": func(t *testing.T, cmd *exec.Cmd) {
			if err := unix.Mkfifo(filepath.Join(cmd.Dir, "fifo"), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd.Args = append(cmd.Args, "--log-file=fifo")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("hotstart", "run")
			cmd.Dir = t.TempDir()
			stall(t, cmd)
			runStalled(t, cmd)
		})
	}
}

func runStalled(t *testing.T, cmd *exec.Cmd) {
	cmd.Args = append(cmd.Args, "--port=127.0.0.1:0", "--interval=0.05", "--status-file=status", "--", "sh", "-c", "exec worker 2>/dev/null")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	first := workerIn(t, cmd.Dir, 1)
	syscall.Kill(first, syscall.SIGKILL)
	workerIn(t, cmd.Dir, 2)
	for range 100 {
		cmd.Process.Signal(syscall.SIGWINCH)
		cmd.Process.Signal(syscall.SIGUSR2)
	}
	terminate(t, cmd)
}

// With a terminal that is stopped by Ctrl-S, or a pager that shows its first page,
// hotstart still builds, serves and stops the program.
func TestAWatchWhoseOutputIsNotRead(t *testing.T) {
	t.Parallel()
	address, release, err := reserveAddress()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	cmd := exec.Command("hotstart", "watch", ".")
	cmd.Dir = t.TempDir()
	const program = `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "this is not read either")
	http.ListenAndServe(os.Getenv("STALLED_ADDRESS"), nil)
}
`
	for name, content := range map[string]string{"go.mod": "module stalled\n\ngo 1.24\n", "main.go": program} {
		if err := os.WriteFile(filepath.Join(cmd.Dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Env = append(os.Environ(), "STALLED_ADDRESS="+address)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fill(t, int(w.Fd()))
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatal("it does not serve")
		}
	}
	terminate(t, cmd)
}

// terminate sends TERM and waits for the exit.
func terminate(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	cmd.Process.Signal(syscall.SIGTERM)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("it does not hear TERM")
	}
}

// fill writes to a pipe until it is full.
func fill(t *testing.T, fd int) {
	t.Helper()
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{4096, 1} {
		for {
			if _, err := unix.Write(fd, make([]byte, size)); err != nil {
				break
			}
		}
	}
	unix.SetNonblock(fd, false)
}

// workerIn waits until the worker of a generation serves, and returns its pid.
func workerIn(t *testing.T, dir string, generation int) int {
	t.Helper()
	line := regexp.MustCompile(`(?m)^` + strconv.Itoa(generation) + `:(\d+)$`)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		b, _ := os.ReadFile(filepath.Join(dir, "status"))
		if m := line.FindStringSubmatch(strings.TrimSpace(string(b))); m != nil {
			pid, _ := strconv.Atoi(m[1])
			return pid
		}
	}
	t.Fatalf("worker %d is not up", generation)
	return 0
}

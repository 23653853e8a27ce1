package starter

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The program re-executes itself under these names: the exec stage becomes
// a worker, the guard outlives the program.
const (
	execName  = "hotstart-exec"
	guardName = "hotstart-guard"
)

// Helper makes a process that a Starter has made of its own program into
// what it is for, and then does not return. A program that sets
// Options.Helper calls it first thing in main.
func Helper() {
	switch os.Args[0] {
	case execName:
		syscall.Exit(execStage(os.Args[1:]))
	case guardName:
		// What os.Exit runs before is for programs, and takes a second under
		// the race detector: who waits for the guard waits for that.
		syscall.Exit(guardMain(os.Args[1:], os.Stdin))
	}
}

// execStage becomes the program that args name: FD DIR PATH ARGV... It exists
// because LISTEN_PID must be the worker's own pid, which is known only after
// the fork. FD is where it says why it could not.
func execStage(args []string) int {
	fd, _ := strconv.Atoi(args[0])
	unix.CloseOnExec(fd)
	dir, path, argv := args[1], args[2], args[3:]
	if dir != "" {
		if err := unix.Chdir(dir); err != nil {
			tellStage(fd, stageDir, err)
			return 127
		}
	}
	env := os.Environ()
	if os.Getenv("LISTEN_FDS") != "" {
		env = append(env, "LISTEN_PID="+strconv.Itoa(os.Getpid()))
	}
	tellStage(fd, stageExec, execWritten(path, argv, env))
	return 127
}

// A program that is still open for writing can't be executed (ETXTBSY,
// execve(2)): it is being deployed, or whoever wrote it has a child that has
// not yet let go of it (golang.org/issue/22315). The wait is shorter than the
// usual interval, which begins at the fork and proves a start.
const (
	writtenWithin = time.Second / 2
	writtenPoll   = 5 * time.Millisecond
)

// execWritten executes a program once it is written. It returns only if it
// could not. The last try comes after the time: on a busy machine the one
// before may have been long ago.
func execWritten(path string, argv, env []string) error {
	for end := time.Now().Add(writtenWithin); ; time.Sleep(writtenPoll) {
		last := time.Now().After(end)
		if err := syscall.Exec(path, argv, env); err != syscall.ETXTBSY || last {
			return err
		}
	}
}

// What the exec stage could not do.
const (
	stageDir  = "dir"
	stageExec = "exec"
)

func tellStage(fd int, stage string, err error) {
	number, _ := err.(syscall.Errno)
	unix.Write(fd, fmt.Appendf(nil, "%s %d", stage, int(number)))
}

// execError waits until the exec stage has become the program, or returns
// why it could not.
func (c *child) execError() error {
	if c.report < 0 {
		return nil
	}
	f := os.NewFile(uintptr(c.report), "exec stage")
	defer f.Close()
	var stage string
	var number int
	if n, _ := fmt.Fscan(f, &stage, &number); n != 2 {
		return nil
	}
	if stage == stageDir {
		return fmt.Errorf("starting %s in %s: %w", c.path, c.dir, syscall.Errno(number))
	}
	return fmt.Errorf("starting %s: %w", c.path, syscall.Errno(number))
}

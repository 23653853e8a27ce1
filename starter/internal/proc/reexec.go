package proc

import (
	"errors"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The program re-executes itself under these names: the exec stage becomes a
// worker, the guard outlives the program.
const (
	execName  = "hotstart-exec"
	guardName = "hotstart-guard"
)

// Dispatch runs the exec stage or the guard if this process was started as one
// of them, and then does not return. It must come first in main.
func Dispatch() {
	switch os.Args[0] {
	case execName:
		syscall.Exit(execStage(os.Args[1:]))
	case guardName:
		// os.Exit would run the exit hooks of the program first, which take a
		// second under the race detector.
		syscall.Exit(guardMain(os.Args[1:], os.Stdin))
	}
}

// execStage becomes the program that args name: FD DIR PATH ARGV... LISTEN_PID
// must be the worker's own pid, which is known only after the fork. FD is the
// descriptor to report an error on.
func execStage(args []string) int {
	fd, _ := strconv.Atoi(args[0])
	unix.CloseOnExec(fd)
	env := os.Environ()
	if os.Getenv("LISTEN_FDS") != "" {
		env = append(env, "LISTEN_PID="+strconv.Itoa(os.Getpid()))
	}
	var err error
	if dir := args[1]; dir != "" {
		err = os.Chdir(dir)
	}
	if err == nil {
		err = execWritten(args[2], args[3:], env)
	}
	var number syscall.Errno
	errors.As(err, &number)
	unix.Write(fd, strconv.AppendInt(nil, int64(number), 10))
	return 127
}

// Executing a program that is still open for writing fails (ETXTBSY,
// execve(2)): the program is being deployed, or its writer has forked a child
// that has not closed it yet (golang.org/issue/22315). writtenWithin is shorter
// than the usual interval, which begins at the fork and proves a start.
const (
	WrittenWithin = time.Second / 2
	WrittenPoll   = 5 * time.Millisecond
)

// execWritten executes a program as soon as the program is not open for writing
// any more. It returns only on failure. The last attempt comes after the
// deadline, since on a busy machine the attempt before may be long ago.
func execWritten(path string, argv, env []string) error {
	for end := time.Now().Add(WrittenWithin); ; time.Sleep(WrittenPoll) {
		last := time.Now().After(end)
		if err := syscall.Exec(path, argv, env); err != syscall.ETXTBSY || last {
			return err
		}
	}
}

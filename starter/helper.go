package starter

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

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

// execStage becomes the program that args name: FD PATH ARGV... It exists
// because LISTEN_PID must be the worker's own pid, which is known only
// after the fork. FD is where it says why it could not.
func execStage(args []string) int {
	fd, _ := strconv.Atoi(args[0])
	unix.CloseOnExec(fd)
	path, argv := args[1], args[2:]
	env := append(os.Environ(), "LISTEN_PID="+strconv.Itoa(os.Getpid()))
	err := syscall.Exec(path, argv, env)
	unix.Write(fd, []byte(strconv.Itoa(int(err.(syscall.Errno)))))
	return 127
}

// execError waits until the exec stage has become the program, or returns
// why it could not.
func (c *child) execError() error {
	if c.report < 0 {
		return nil
	}
	f := os.NewFile(uintptr(c.report), "exec stage")
	defer f.Close()
	said := make([]byte, 16)
	n, _ := f.Read(said)
	number, err := strconv.Atoi(strings.TrimSpace(string(said[:n])))
	if err != nil {
		return nil
	}
	return fmt.Errorf("starting %s: %w", c.path, syscall.Errno(number))
}

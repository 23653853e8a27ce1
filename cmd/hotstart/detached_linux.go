package main

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// detached runs a command that leaves a process behind which is to outlive
// this one. All others become children of the nearest subreaper, which this
// process is for the sake of its workers, and then end with it: for this
// moment it is none.
func detached(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	return cmd.Run()
}

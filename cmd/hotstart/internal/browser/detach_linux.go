package browser

import (
	"os/exec"
	"syscall"
)

// setChildSubreaper is PR_SET_CHILD_SUBREAPER of prctl(2).
const setChildSubreaper = 36

// runDetached runs a command that leaves a process behind. Orphans become children
// of the nearest subreaper. This process is one for the sake of its workers, and
// ends its children when it ends; for this moment it stops to be one.
func runDetached(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 0, 0)
	defer syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0)
	return cmd.Run()
}

//go:build !linux

package browser

import (
	"os/exec"
	"syscall"
)

// runDetached runs a command that leaves a process behind.
func runDetached(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd.Run()
}

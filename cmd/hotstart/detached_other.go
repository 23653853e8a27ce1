//go:build !linux

package main

import (
	"os/exec"
	"syscall"
)

// detached runs a command that leaves a process behind which is to outlive
// this one.
func detached(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd.Run()
}

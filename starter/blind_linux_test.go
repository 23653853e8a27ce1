package starter

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A worker that /proc does not show starts, and counts as ready when it has run for
// the interval.
func TestAWorkerThatCannotBeSeen(t *testing.T) {
	t.Parallel()
	if err := exec.Command("unshare", "--mount", "setpriv", "--version").Run(); os.Getuid() != 0 || err != nil {
		t.Skipf("root alone, and not in every container, makes a mount namespace: unshare, setpriv: %v", err)
	}
	const (
		plain    = "exec sleep 1000"
		another  = "exec setpriv --reuid=65533 --regid=65533 --clear-groups sleep 1000"
		ordinary = "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+setuid,+setgid,+kill --ambient-caps=+setuid,+setgid,+kill"
	)
	for _, test := range []struct{ name, before, script string }{
		{"no proc", `umount -l /proc && exec "$0"`, plain},
		{"an empty proc", `mount -t tmpfs none /proc && exec "$0"`, plain},
		{"a user who may not be looked at", `exec setpriv --bounding-set=-sys_ptrace "$0"`, another},
		{"a child of a user who may not be looked at", `exec setpriv --bounding-set=-sys_ptrace "$0"`, "(" + another + ") & wait"},
		{"a user of whom nothing is shown", `mount -t proc -o hidepid=2 proc /proc && exec ` + ordinary + ` "$0"`, another},
		{"a user of whom only the number is shown", `mount -t proc -o hidepid=1 proc /proc && exec ` + ordinary + ` "$0"`, another},
		{"hidden children of a user", `mount -t proc -o hidepid=2 proc /proc && exec ` + ordinary + ` "$0"`, "(" + another + ") & wait"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := program("report", "SCRIPT="+test.script)
			cmd := exec.Command("/bin/sh", "-c", "mount --make-rprivate / && "+test.before, public(t, c.Path))
			cmd.Env, cmd.Stderr, cmd.Dir = c.Env, os.Stderr, "/"
			cmd.SysProcAttr = &unix.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
			in, out := startPiped(t, cmd)
			var told []string
			for len(told) < 2 {
				line, err := out.ReadString('\n')
				if err != nil || strings.HasPrefix(line, "TimedOut") || strings.HasPrefix(line, "Failed") {
					t.Fatalf("%q after %q, %v", line, told, err)
				}
				if !strings.HasPrefix(line, "Starting") {
					told = append(told, line)
				}
			}
			if !strings.HasPrefix(told[0], "AssumedReady") || !strings.HasPrefix(told[1], "Serving") {
				t.Errorf("told %q", told)
			}
			in.Close()
			done := make(chan error, 1)
			go func() { done <- cmd.Wait() }()
			select {
			case err := <-done:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(patient):
				t.Error("it does not end")
				cmd.Process.Kill()
			}
		})
	}
}

package starter

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/hotstart/hotstart/starter/internal/ready"
)

// A worker can't report for another: each has its own NOTIFY_SOCKET, which is
// removed with the worker.
func TestNotifySocketEndsWithItsWorker(t *testing.T) {
	t.Parallel()
	stdout, out := reader(t)
	sh := run(t, Options{Ready: ReadyNotify, MaxStartFailures: 1, KeepRunning: true, CanReexec: true}, &Command{
		Path: "/bin/sh", Args: []string{"sh", "-c", "echo $NOTIFY_SOCKET"}, Stdout: stdout,
	})
	name, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	sh.await(Failed)
	until(t, "its folder is still there", func() bool {
		_, err := os.Stat(filepath.Dir(strings.TrimSpace(name)))
		return errors.Is(err, fs.ErrNotExist)
	})
}

// The path of the socket is secret, but any user that knows it can report readiness.
func TestNotifySocketIsSecret(t *testing.T) {
	t.Parallel()
	n, err := ready.NewNotifySocket(ready.NotifyDirs("")...)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if s, err := os.Stat(filepath.Dir(n.Path)); err != nil || s.Mode().Perm() != 0o711 {
		t.Errorf("the folder has the mode %v, %v", s.Mode(), err)
	}
	if names, err := os.ReadDir(filepath.Dir(n.Path)); err != nil || len(names) != 1 || names[0].Name() != filepath.Base(n.Path) {
		t.Errorf("in the folder are %v, %v", names, err)
	}
	if runtime.GOOS == "linux" {
		b, err := os.ReadFile("/proc/net/unix")
		if err != nil {
			t.Fatal(err)
		}
		shown := 0
		for line := range strings.Lines(string(b)) {
			at := strings.LastIndexByte(line, ' ') + 1
			if !strings.HasPrefix(line[at:], filepath.Dir(n.Path)) {
				continue
			}
			shown++
			if c, err := net.Dial("unixgram", strings.TrimSpace(line[at:])); err == nil {
				c.Close()
				t.Errorf("anybody can connect to %s", line[at:])
			}
		}
		if shown != 1 {
			t.Errorf("/proc/net/unix shows it %d times", shown)
		}
	}
	heard := make(chan bool, 1)
	go n.Listen(func() { heard <- true })
	if os.Getuid() != 0 {
		t.Skip("needs root: it sends as another user")
	}
	cmd := exec.Command(public(t, program("say").Path))
	cmd.Env, cmd.Dir = append(program("say").Env, "NOTIFY_SOCKET="+n.Path), "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	<-heard
}

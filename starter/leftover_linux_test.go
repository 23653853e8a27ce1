package starter

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A wrapper that does not exec exits at TERM, and its program keeps serving.
func TestLeftoverProcessesAreReported(t *testing.T) {
	t.Parallel()
	wrapper := shell("sleep 1000; true")
	sh := run(t, Options{Ports: []string{"127.0.0.1:0"}, Interval: 10 * time.Millisecond}, wrapper)
	left := func(worker int) {
		t.Helper()
		e := sh.await(LeftoverProcess)
		var pid int
		fmt.Sscanf(e.Holder, "pid %d", &pid)
		syscall.Kill(pid, syscall.SIGKILL)
		if e.Worker.Generation != worker || pid == 0 || !strings.HasSuffix(e.Holder, "(sleep 1000)") || e.Address != sh.Addresses()[0] {
			t.Errorf("%v", e)
		}
	}
	sh.await(Serving)
	sh.Reload(nil)
	left(1)
	sh.stop()
	left(2)
	if err := sh.end(); err != nil {
		t.Error(err)
	}
}

// The program behind a wrapper gets the signal and the time to stop.
func TestAWorkerEndsWithItsGroup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := shell(`sh -c 'trap "echo told >told; while test ! -e go; do sleep 0.01; done; echo >finished; exit" TERM; echo >up; while :; do sleep 0.01; done'; true`)
	c.Dir = dir
	at := func(name string) string { return filepath.Join(dir, name) }
	sh := run(t, Options{Ports: []string{"127.0.0.1:0"}, Interval: 10 * time.Millisecond, KillGroup: true}, c)
	sh.await(Serving)
	until(t, "the program is up", func() bool { return exists(at("up")) })
	sh.stop()
	until(t, "the program hears the signal", func() bool { return exists(at("told")) })
	until(t, "the wrapper has ended", func() bool { return hasEnded(sh.machinePID(t)) })
	os.WriteFile(at("go"), nil, 0o644)
	sh.await(Exited)
	if !exists(at("finished")) {
		t.Error("the program was not waited for")
	}
}

// machinePID returns the pid of the first worker, by the reported events.
func (sh *show) machinePID(t *testing.T) int {
	t.Helper()
	var generation, pid int
	for _, line := range sh.seen {
		if n, _ := fmt.Sscanf(line, "worker %d (pid %d)", &generation, &pid); n == 2 {
			return pid
		}
	}
	t.Fatalf("no worker in %q", sh.seen)
	return 0
}

func TestTheRestOfAProcessGroupIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := shell(`test -e first && exec sleep 1000; echo >first; sleep 1000 & echo $! >child; exit 1`)
	c.Dir = dir
	sh := run(t, Options{Ports: []string{"127.0.0.1:0"}, Interval: 10 * time.Millisecond, KillGroup: true}, c)
	sh.await(Serving) // on a slow machine, the first worker
	var child int
	until(t, "the first worker has a child", func() bool {
		b, _ := os.ReadFile(filepath.Join(dir, "child"))
		n, _ := fmt.Sscanln(string(b), &child)
		return n == 1
	})
	until(t, "the child has ended", func() bool { return hasEnded(child) })
	sh.stop()
	sh.await(Exited)
}

func TestTheDialectsOfAWorker(t *testing.T) {
	t.Parallel()
	variables := map[string]string{DialectServerStarter: "SERVER_STARTER_PORT", DialectSystemd: "LISTEN_FDS", DialectHotstart: "HOTSTART_FD"}
	for _, dialect := range Dialects() {
		d, sh := described(t, Options{Ports: []string{"127.0.0.1:0"}, CanReexec: true, Dialects: []string{dialect}}, nil)
		for other, name := range variables {
			if _, has := d.Env[name]; has != (other == dialect) {
				t.Errorf("%s alone: %s is %q", dialect, name, d.Env[name])
			}
		}
		if _, has := d.Env["LISTEN_PID"]; has && dialect != DialectSystemd {
			t.Errorf("%s alone: LISTEN_PID is there", dialect)
		}
		if link := link(sh.kept.Own[0]); d.FDs[3] != link {
			t.Errorf("%s alone: descriptor 3 is %s, not %s", dialect, d.FDs[3], link)
		}
	}
	for text, want := range map[string]int{"systemd": 1, " systemd , server-starter": 2, "": 0, "systemd,": 0, "inetd": 0} {
		if all, err := ParseDialects(text); len(all) != want || (err != nil) != (want == 0) {
			t.Errorf("%q is %q, %v", text, all, err)
		}
	}
}

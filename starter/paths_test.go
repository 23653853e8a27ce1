//go:build linux

package starter

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter/internal/sock"
)

// saidAt returns the answer at a unix address, or "".
func saidAt(address string) string {
	c, err := net.Dial("unix", address)
	if err != nil {
		return ""
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patient))
	c.Write([]byte("hello\n"))
	line, _ := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSuffix(line, "\n")
}

// An old worker removes the path that hotstart has made, and keeps running. The path
// is restored for the new worker before the old one exits.
func TestAnOldWorkerDoesNotTakeThePath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, end := filepath.Join(dir, "sock"), filepath.Join(dir, "end")
	c := program("unlinker", "SOCKET="+path, "END="+end)
	sh := run(t, Options{Paths: []string{path}, Ready: ReadyAccept}, c)
	sh.await(Serving)
	sh.Reload(c)
	if e := sh.await(PathLost); e.Err != nil || !strings.HasPrefix(e.String(), "the path "+path+" was removed, probably by worker 1 (pid ") {
		t.Errorf("%v", e)
	}
	if got := saidAt(path); got != "hello" {
		t.Errorf("it says %q", got)
	}
	os.WriteFile(end, nil, 0o666)
	if e := sh.await(Exited); e.Status != 0 {
		t.Errorf("%v", e)
	}
}

// A program without a broker removes the path, binds it, and removes it at SIGTERM.
// By then it is the path of the new worker.
func TestAnOldWorkerDoesNotTakeThePathThatTheNewOneBound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, test := range []struct {
		name  string
		paths []string // of the options; the program does not use the sockets
	}{{"its own", nil}, {"that of an option", []string{filepath.Join(dir, "sock2")}}} {
		path, end := filepath.Join(dir, "sock"+map[bool]string{true: "2"}[test.paths != nil]), filepath.Join(dir, "end")
		os.Remove(end)
		c := program("binder", "SOCKET="+path, "END="+end)
		sh := run(t, Options{Paths: test.paths, Ready: ReadyNotify}, c)
		sh.await(Serving)
		sh.Reload(c)
		for e := sh.await(PathLost); ; e = sh.await(PathLost) {
			if e.Err == nil && strings.Contains(e.String(), "was removed, probably by worker 1 (pid ") {
				break
			}
			if test.paths == nil || !strings.Contains(e.String(), "something else is at that path now") {
				t.Fatalf("%s: %v", test.name, e)
			}
		}
		if got := saidAt(path); got != "2" {
			t.Errorf("%s: worker %q answers", test.name, got)
		}
		os.WriteFile(end, nil, 0o666)
		sh.await(Exited)
		sh.stop()
		<-sh.done
		if left, _ := filepath.Glob(filepath.Join(dir, ".sock*")); len(left) > 0 {
			t.Errorf("%s: left behind: %v", test.name, left)
		}
	}
}

// A failed start may have removed the path of the current worker.
func TestAFailedStartDoesNotTakeThePath(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sock")
	sh := run(t, Options{Paths: []string{path}, Ready: ReadyAccept, MaxStartFailures: 1}, program("echo"))
	sh.await(Serving)
	c := shell(`rm "$SOCKET"; exit 1`)
	c.Env = append(os.Environ(), "SOCKET="+path)
	sh.Reload(c)
	if e := sh.await(PathLost); e.Err != nil {
		t.Errorf("%v", e)
	}
	if got := saidAt(path); got != "hello" {
		t.Errorf("it says %q", got)
	}
}

// A program removes the path long before it listens. The path is restored until then,
// since the program takes paths.
func TestAPathIsThereDuringAStart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sock")
	sh := run(t, Options{Paths: []string{path}, Ready: ReadyAccept}, program("echo"))
	sh.await(Serving)
	sh.Reload(program("remover", "SOCKET="+path))
	sh.await(Starting)
	until := time.Now().Add(patient)
	for !exists(path + ".removed") {
		if time.Now().After(until) {
			t.Fatal("it was never removed")
		}
		time.Sleep(time.Millisecond)
	}
	for got := ""; got != "hello"; got = saidAt(path) {
		if time.Now().After(until) {
			t.Fatal("the path did not come back")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestEachAddressOfAUnixSocketCanBeKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, path := range []string{
		"@hotstart-test-" + filepath.Base(filepath.Dir(dir)),
		filepath.Join(dir, strings.Repeat("x", sock.LongestPath-len(dir)-1)),
		filepath.Join(dir, "a=3"), filepath.Join(dir, "a;b"),
	} {
		sh := run(t, Options{Paths: []string{path}, Interval: 10 * time.Millisecond}, program("echo"))
		sh.await(Serving)
		if got := saidAt(path); got != "hello" {
			t.Errorf("%s says %q", path, got)
		}
		if _, err := New(Options{Paths: []string{path}}); err == nil || !strings.Contains(err.Error(), path+" is already in use") {
			t.Errorf("twice: %v", err)
		}
		sh.stop()
		<-sh.done
		if saidAt(path) != "" {
			t.Errorf("%s is still there", path)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v is left behind", left)
	}
}

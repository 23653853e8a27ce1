//go:build linux

package starter

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestASocketThatWasShutDownListensAgain(t *testing.T) {
	t.Parallel()
	for _, port := range []string{"127.0.0.1:0", "dual 0"} {
		port, dual := strings.CutPrefix(port, "dual ")
		sh := run(t, Options{Ports: []string{port}, DualStack: dual, ReusePort: dual, Interval: 10 * time.Millisecond}, program("deafen"))
		e := sh.await(ListenerShutDown)
		if e.Err != nil || e.Worker.Generation != 1 {
			t.Errorf("%s: %v", port, e)
		}
		sh.Reload(program("echo"))
		sh.await(Serving)
		at := sh.Addresses()[0].Port
		echoes(t, "tcp", fmt.Sprintf("127.0.0.1:%d", at))

		// The same again.
		sh.Reload(program("deafen"))
		if e := sh.await(ListenerShutDown); e.Err != nil {
			t.Errorf("%s: %v", port, e)
		}
		sh.Reload(program("echo"))
		for sh.await(Serving).Worker.Generation != 4 {
		}
		echoes(t, "tcp", fmt.Sprintf("127.0.0.1:%d", at))
	}
}

// unix_listen of the kernel refuses a socket that is shut down.
func TestAUnixSocketThatWasShutDownIsReported(t *testing.T) {
	t.Parallel()
	sh := run(t, Options{Paths: []string{filepath.Join(t.TempDir(), "sock")}, Interval: 10 * time.Millisecond}, program("deafen"))
	if e := sh.await(ListenerShutDown); e.Err == nil || !strings.Contains(e.String(), "sock was shut down, probably by worker 1 (pid ") {
		t.Errorf("%v", e)
	}
}

// echoes checks that a worker answers.
func echoes(t *testing.T, network, address string) {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patient))
	fmt.Fprintln(c, "hello")
	if line, err := bufio.NewReader(c).ReadString('\n'); line != "hello\n" {
		t.Errorf("echoed %q, %v", line, err)
	}
}

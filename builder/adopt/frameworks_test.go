package adopt_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
	"github.com/hotstart/hotstart/starter"
)

// The programs of testdata/frameworks use modules of others. Each program has its own module.
func framework(t *testing.T, name string) string {
	t.Helper()
	buildtest.Long(t)
	source, err := filepath.Abs("testdata/frameworks/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return build(t, source)
}

func TestFrameworks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"gin", "echo", "chi", "fiber", "fasthttp"} {
		for _, keepAlive := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s keep-alive=%v", name, keepAlive), func(t *testing.T) {
				program := framework(t, name)
				address := freePort(t, "127.0.0.1")
				r := start(t, program, []string{address}, func(o *starter.Options) { o.DrainTimeout = 2 * time.Second })
				l := newLoad()
				l.ask(8, "http://"+address, keepAlive, nil)
				l.reloads(t, r, number("HOTSTART_RELOADS", 3), 1000)
				l.end(t)
			})
		}
	}
}

func TestGRPC(t *testing.T) {
	t.Parallel()
	program := framework(t, "grpc")
	address := freePort(t, "127.0.0.1")
	r := start(t, program, []string{address}, drainForever)
	clients := exec.Command(program, "ask", address)
	var said, failures strings.Builder
	clients.Stdout, clients.Stderr = &said, &failures
	stdin, err := clients.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := clients.Start(); err != nil {
		t.Fatal(err)
	}
	reloads := number("HOTSTART_RELOADS", 3)
	for range reloads {
		time.Sleep(200 * time.Millisecond) // for the clients to be at work
		r.reload()
	}
	r.left(reloads)
	stdin.Close()
	if err := clients.Wait(); err != nil {
		t.Error(err)
	}
	t.Logf("asked and lost: %s", said.String())
	if !strings.HasSuffix(said.String(), " 0\n") || said.String() == "0 0\n" || r.text() != "" {
		t.Errorf("%s%s", failures.String(), r.text())
	}
}

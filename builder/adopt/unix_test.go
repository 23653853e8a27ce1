package adopt_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter"
)

// unixAddress returns a path for one test, short enough for every system.
func unixAddress(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%v is left behind", left)
		}
		os.RemoveAll(dir)
	})
	return filepath.Join(dir, "s")
}

// overUnix makes each connection of HTTP to a unix socket.
func overUnix(network, address string) *http.Transport {
	return &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
}

func workerAt(t *testing.T, network, address string) string {
	t.Helper()
	return client{t, &http.Client{Transport: overUnix(network, address), Timeout: 20 * time.Second}}.post("http://unix/")
}

// A program that binds a unix socket: with and without removing an old path, and if hotstart has made the socket.
func TestUnixSocketsAreAdopted(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("a path that exists can't be bound here: see hook/unix_linux.go")
	}
	path, err := server()
	if err != nil {
		t.Fatal(err)
	}
	reloads := 1
	if os.Getenv("HOTSTART_LONG") != "" {
		reloads = 3
	}
	for _, test := range []struct {
		name    string
		words   []string
		network string
		option  bool // the path is one of hotstart's
		lossy   bool // the program removes the path by itself
	}{
		{"leaves the path", nil, "unix", false, false},
		{"removes the path", []string{"removes"}, "unix", false, true},
		{"replaces the directory", []string{"replaces"}, "unix", false, true},
		{"by a relative path", []string{"relative"}, "unix", false, false},
		{"packets", []string{"packets"}, "unixpacket", false, false},
		{"an abstract address", nil, "unix", false, false},
		{"the path of an option", nil, "unix", true, false},
		{"removes the path of an option", []string{"removes"}, "unix", true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			address := unixAddress(t)
			if test.name == "an abstract address" {
				address = "@" + address
			}
			r := start(t, path, append([]string{"unix", address}, test.words...), func(o *starter.Options) {
				o.DrainTimeout = time.Hour
				if test.option {
					o.Paths = []string{address}
				}
			})
			before := workerAt(t, test.network, address)
			l := newLoad()
			l.askOver(2, overUnix(test.network, address), "http://unix/")
			for n := range reloads {
				l.more(t, 100)
				r.reload()
				r.left(n + 1)
				after := workerAt(t, test.network, address)
				if after == before {
					t.Errorf("worker %s answers after it has left", after)
				}
				before = after
			}
			if test.lossy {
				// Between its os.Remove and its net.Listen there is no path; a socket that is not
				// kept, since its directory is gone, is bound before it listens.
				l.finish()
				t.Logf("%d lost of %d: %v", l.lost.Load(), l.asked.Load(), l.errors)
				for text := range l.errors {
					if !strings.Contains(text, "no such file or directory") && (test.words[0] != "replaces" || !strings.Contains(text, "connection refused")) {
						t.Errorf("%s", text)
					}
				}
			} else {
				l.end(t)
			}
			if n := r.count(starter.PathLost); n > 0 && !test.lossy {
				t.Errorf("the path was away %d times", n)
			}
			name := address
			if strings.Contains(test.name, "relative") {
				name = filepath.Base(address)
			}
			r.prints(strings.Repeat(fmt.Sprintf("listening on %s\n", name), 1+reloads))
		})
	}
}

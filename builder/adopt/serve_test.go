package adopt_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hotstart/hotstart/starter"
)

// server is testdata/server with instrumentation, built once for all tests that only run it.
var server = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "hotstart-adopt-")
	if err != nil {
		return "", err
	}
	serverDir = dir
	source, err := filepath.Abs("testdata/server")
	if err != nil {
		return "", err
	}
	return buildIn(dir, source)
})

var serverDir string

func TestMain(m *testing.M) {
	flag.Set("test.parallel", "8") // these tests wait for most of their time
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if serverDir != "" {
			os.RemoveAll(serverDir)
		}
		os.Exit(code)
	}))
}

// serve runs the server in one of its modes.
func serve(t *testing.T, change func(*starter.Options), args ...string) *running {
	t.Helper()
	path, err := server()
	if err != nil {
		t.Fatal(err)
	}
	return start(t, path, args, change)
}

// drainForever makes the drain end only when the worker has drained; otherwise the test fails.
func drainForever(o *starter.Options) { o.DrainTimeout = time.Hour }

// client has its own connections, and returns the worker that answers.
type client struct {
	t testing.TB
	*http.Client
}

func newClient(t testing.TB) client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return client{t, &http.Client{Transport: transport, Timeout: 20 * time.Second}}
}

// post returns the answer to a POST, which Go never sends twice.
func (c client) post(url string) string {
	c.t.Helper()
	text, _ := c.answer(url)
	return text
}

// answer posts, and reports whether the answer ends the connection.
func (c client) answer(url string) (text string, last bool) {
	c.t.Helper()
	response, err := c.Post(url, "text/plain", strings.NewReader("x"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body) // one left unread would end the connection
	if err != nil {
		c.t.Fatal(err)
	}
	return string(body), response.Close
}

// postUntil posts until another worker answers: when the new worker serves, the old one may not drain yet.
func (c client) postUntil(url, notFrom string) {
	c.t.Helper()
	until(c.t, "another worker answers", func() bool { return c.post(url) != notFrom })
}

// postUntilLast posts on one connection until its worker ends it in a drain.
func (c client) postUntilLast(url string) {
	c.t.Helper()
	until(c.t, "an answer ends the connection", func() bool {
		_, last := c.answer(url)
		return last
	})
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "localhost", "", "[::1]"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			_, port, _ := net.SplitHostPort(freePort(t, "127.0.0.1"))
			address := host + ":" + port
			r := serve(t, nil, "plain", address)
			first := newClient(t).post("http://" + address)
			r.reload()
			newClient(t).postUntil("http://"+address, first)
			r.left(1)
			if host == "" {
				newClient(t).post("http://127.0.0.1:" + port)
				newClient(t).post("http://[::1]:" + port)
			}
			if r.text() != "" {
				t.Errorf("it printed %q", r.text())
			}
		})
	}
}

// idleWhileDraining returns a client with an idle connection to a worker that drains, and that worker's answer. An
// answer to another client shows that the worker drains: an answer of the new worker would not show it.
func idleWhileDraining(t *testing.T, address string) (r *running, c client, first string) {
	t.Helper()
	r = serve(t, drainForever, "plain", address)
	c, busy := newClient(t), newClient(t)
	first = c.post("http://" + address)
	busy.post("http://" + address)
	r.reload()
	busy.postUntilLast("http://" + address)
	return r, c, first
}

// An idle client is not cut off: the old worker answers once more, and asks the client to connect again.
func TestIdleConnection(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	r, c, first := idleWhileDraining(t, address)
	if again, last := c.answer("http://" + address); again != first || !last {
		t.Errorf("the connection of worker %s was answered by %s; its end: %v", first, again, last)
	}
	c.postUntil("http://"+address, first)
	r.left(1)
}

// The idle time of a client begins again after the whole machine stood still.
func TestIdleConnectionOfAWorkerThatStoodStill(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	r, c, first := idleWhileDraining(t, address)
	pid, _ := strconv.Atoi(first)
	syscall.Kill(pid, syscall.SIGSTOP)
	time.Sleep(1500 * time.Millisecond) // more than an idle connection has
	syscall.Kill(pid, syscall.SIGCONT)
	time.Sleep(50 * time.Millisecond) // for it to look
	if again, _ := c.answer("http://" + address); again != first {
		t.Errorf("the connection of worker %s was answered by %s", first, again)
	}
	r.left(1)
}

// The drain waits for an idle client for a limited time.
func TestIdleConnectionEnds(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	r := serve(t, drainForever, "plain", address)
	c := newClient(t)
	first := c.post("http://" + address)
	r.reload()
	r.left(1)
	if second := c.post("http://" + address); second == first {
		t.Error("the old worker answers")
	}
}

func TestLongRequest(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"plain", "shutdown"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			address := freePort(t, "127.0.0.1")
			r := serve(t, nil, mode, address)
			first := newClient(t).post("http://" + address)
			answers := make(chan string)
			c := newClient(t)
			go func() { answers <- c.post("http://" + address + "/slow?for=700ms") }()
			r.until("it is under way", func() bool { return strings.Contains(r.text(), "slow\n") })
			r.reload()
			newClient(t).postUntil("http://"+address, first)
			if answer := <-answers; answer != first {
				t.Errorf("worker %s began, %q came", first, answer)
			}
			r.left(1)
		})
	}
}

// Connections of other protocols last until hotstart ends them.
func TestOpenEnd(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/events", "/hijack"} {
		t.Run(path[1:], func(t *testing.T) {
			t.Parallel()
			address := freePort(t, "127.0.0.1")
			r := serve(t, func(o *starter.Options) { o.DrainTimeout = 700 * time.Millisecond }, "plain", address)
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", path)
			lines := bufio.NewReader(conn)
			if _, err := lines.ReadString('\n'); err != nil { // from then on it is the old worker's
				t.Fatal(err)
			}
			began := time.Now()
			r.reload()
			for {
				conn.SetReadDeadline(time.Now().Add(5 * time.Second))
				if path == "/hijack" {
					fmt.Fprintln(conn, "ping")
				}
				if _, err := lines.ReadString('\n'); err != nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
			if d := time.Since(began); d < 700*time.Millisecond {
				t.Errorf("it ended after %v", d)
			}
			r.left(1)
		})
	}
}

// When hotstart ends, it does not wait for streams: the program has drained before it gets the signal, so its Shutdown
// finds no open connection. A request is answered.
func TestTheEndOfStreams(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/events", "/hijack", "/slow?for=2s", "/slow?for=1500ms&then=300ms"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			address := freePort(t, "127.0.0.1")
			r := serve(t, func(o *starter.Options) { o.DrainTimeout, o.StopTimeout, o.CutStreams = time.Hour, 2*time.Hour, true }, "shutdown", address)
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			upgrade := ""
			if path == "/hijack" {
				upgrade = "Connection: Upgrade\r\nUpgrade: echo\r\n"
			}
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, upgrade)
			answer := bufio.NewReader(conn)
			slow := strings.HasPrefix(path, "/slow")
			if slow {
				r.until("it is under way", func() bool { return strings.Contains(r.text(), "slow\n") })
			} else if _, err := answer.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			r.starter.Signal(syscall.SIGTERM)
			if slow {
				response, err := http.ReadResponse(answer, nil)
				if err != nil {
					t.Fatal(err)
				}
				if body, err := io.ReadAll(response.Body); response.StatusCode != http.StatusOK || len(body) == 0 || err != nil {
					t.Errorf("the answer is %s, %q, %v", response.Status, body, err)
				}
			}
			r.left(1)
			r.until("it has shut down", func() bool { return strings.HasSuffix(r.text(), "shut down\n") })
		})
	}
}

// Connections of other protocols get some seconds.
func TestTheEndOfAnOpenConnection(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	r := serve(t, func(o *starter.Options) { o.DrainTimeout, o.StopTimeout, o.CutStreams = time.Hour, 2*time.Hour, true }, "echo", address)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, "ping")
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	r.starter.Signal(syscall.SIGTERM)
	r.left(1)
}

// A connection stays with its worker, also if the program has copied it.
func TestEcho(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"echo", "duplicate"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			keepsConnection(t, mode)
		})
	}
}

func keepsConnection(t *testing.T, mode string) {
	address := freePort(t, "127.0.0.1")
	r := serve(t, nil, mode, address)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(conn)
	echo := func() string {
		fmt.Fprintln(conn, "ping")
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return line
	}
	first := echo()
	r.reload()
	for range 3 {
		if echo() != first {
			t.Error("another worker has the connection")
		}
	}
	if r.count(starter.Exited) != 0 {
		t.Error("the old worker left its connection alone")
	}
	conn.Close()
	r.left(1)
}

func TestUDP(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	r := serve(t, func(o *starter.Options) { o.Interval = 100 * time.Millisecond }, "udp", address)
	ask := func() string {
		conn, err := net.Dial("udp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(time.Second))
		buf := make([]byte, 100)
		conn.Write([]byte("x"))
		n, _ := conn.Read(buf)
		return string(buf[:n])
	}
	first := ask()
	r.reload()
	r.left(1)
	until(t, "the new worker answers", func() bool { second := ask(); return second != "" && second != first })
}

// An idle connection of HTTP/2 ends with GOAWAY, so that its client knows which requests were not processed.
func TestGoAway(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	r := serve(t, nil, "h2c", address)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", // the frames are those of RFC 9113, section 4.1
		"\x00\x00\x00\x04\x00\x00\x00\x00\x00",                 // SETTINGS
		"\x00\x00\x04\x01\x05\x00\x00\x00\x01\x82\x86\x84\x81") // HEADERS: GET, http, /, and an authority
	const headers, goAway = 1, 7
	var seen []byte
	for {
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		var frame [9]byte
		if _, err := io.ReadFull(conn, frame[:]); err != nil {
			break
		}
		io.CopyN(io.Discard, conn, int64(frame[0])<<16|int64(frame[1])<<8|int64(frame[2]))
		if seen = append(seen, frame[3]); frame[3] == headers {
			r.reload()
		}
	}
	if !bytes.Contains(seen, []byte{goAway}) {
		t.Errorf("the frames that came are %d", seen)
	}
	r.left(1)
}

func TestControl(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	r := serve(t, nil, "control", address)
	r.reload()
	r.left(1)
	newClient(t).post("http://" + address)
	r.prints(strings.Repeat("control tcp4 "+address+"\n", 2))
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	r := serve(t, nil, "shutdown", address)
	newClient(t).post("http://" + address)
	r.reload()
	r.left(1)
	r.prints("shut down\n")
}

// The second listener on one address, or on all addresses, fails as without hotstart.
func TestListenTwice(t *testing.T) {
	t.Parallel()
	one, two := freePort(t, "127.0.0.1"), freePort(t, "127.0.0.1")
	r := serve(t, nil, "twice", one, two)
	r.reload()
	r.left(1)
	r.until("both have tried", func() bool { return strings.Count(r.text(), "second:") == 6 })
	if strings.Count(r.text(), "address already in use") != 6 {
		t.Errorf("they printed %q", r.text())
	}
}

func TestListenAgain(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	r := serve(t, nil, "again", address)
	newClient(t).post("http://" + address)
	r.reload()
	newClient(t).post("http://" + address)
	r.left(1)
}

func TestAddressInUse(t *testing.T) {
	t.Parallel()
	t.Run("by a stranger", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		failsToListen(t, l.Addr().String())
	})
	t.Run("by another hotstart", func(t *testing.T) {
		t.Parallel()
		address := freePort(t, "127.0.0.1")
		serve(t, nil, "plain", address)
		failsToListen(t, address)
	})
}

func failsToListen(t *testing.T, address string) {
	path, err := server()
	if err != nil {
		t.Fatal(err)
	}
	r := prepare(t, path, []string{"plain", address}, nil)
	r.starter.Reload(r.command)
	r.until("a worker fails", func() bool { return r.count(starter.Failed) > 0 })
	r.until("it says why", func() bool { return strings.Contains(r.text(), address+": ") })
	if !strings.Contains(r.text(), "address already in use") {
		t.Errorf("it printed %q", r.text())
	}
}

// A program without a server is ready as without instrumentation.
func TestNoServer(t *testing.T) {
	t.Parallel()
	r := serve(t, func(o *starter.Options) { o.Interval = 50 * time.Millisecond }, "nothing")
	r.reload()
	r.left(1)
}

func TestChildrenHoldNothing(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	r := serve(t, func(o *starter.Options) { o.Ports = []string{"127.0.0.1:0"} }, "plain", address)
	for range 2 {
		child := newClient(t).post("http://" + address + "/child")
		if strings.Contains(child, "socket:") || strings.Contains(child, "HOTSTART_FD") || !strings.Contains(child, "/dev/null") {
			t.Errorf("a child has\n%s", child)
		}
		r.reload()
	}
}

// Without hotstart an instrumented program behaves as usual.
func TestAlone(t *testing.T) {
	t.Parallel()
	path, err := server()
	if err != nil {
		t.Fatal(err)
	}
	address := freePort(t, "127.0.0.1")
	cmd := exec.CommandContext(t.Context(), path, "plain", address)
	var printed strings.Builder
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "it listens", func() bool { return answers(address) })
	newClient(t).post("http://" + address)
	second := exec.CommandContext(t.Context(), path, "plain", address)
	if out, err := second.CombinedOutput(); err == nil || !strings.Contains(string(out), "bind: address already in use") {
		t.Errorf("a second one said %q", out)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if printed.String() != "" {
		t.Errorf("it printed %q", printed.String())
	}
}

func TestStackTrace(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	r := serve(t, nil, "plain", address)
	if _, err := newClient(t).Get("http://" + address + "/panic"); err == nil {
		t.Error("it answered")
	}
	r.until("it says where", func() bool { return strings.Contains(r.text(), "/testdata/server/main.go:35 ") })
}

// If a program makes a server for each connection, the unused servers are forgotten.
func TestServersAreForgotten(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	r := serve(t, drainForever, "servers", address)
	until(t, "most servers are collected", func() bool {
		alive, err := strconv.Atoi(newClient(t).post("http://" + address + "/alive"))
		if err != nil {
			t.Fatal(err)
		}
		return alive < 300 // of a thousand
	})
	c := newClient(t)
	c.post("http://" + address)
	r.reload()
	c.postUntilLast("http://" + address) // the one that serves is known still
	r.left(1)
}

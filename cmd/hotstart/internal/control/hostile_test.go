package control

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// deaf connects, sends a request and reads nothing.
func deaf(t *testing.T, path, request string) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, request)
	return c
}

// A client that never reads does not stop the writer of a feed, and loses objects.
func TestClientThatNeverReadsBlocksNobody(t *testing.T) {
	ownRuntimeDir(t)
	q := newQuiet()
	q.events = NewFeed(64 << 10)
	l := serve(t, Place{Name: "api"}, q)
	deaf(t, l.Path, "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
	object := append(append([]byte(`{"x":"`), bytes.Repeat([]byte("x"), 1000)...), `"}`...)
	for range 10_000 { // 10 MB: more than the buffers of a socket have room for
		q.events.Add(object)
	}
	c, err := Find(Place{Name: "api"})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := c.Status(t.Context()); err != nil || s.State != Serving {
		t.Errorf("got %+v, %v", s, err)
	}
}

// A client that is too slow for a feed reads how much it has missed.
func TestSlowClientLearnsWhatItMissed(t *testing.T) {
	f := NewFeed(10)
	for i := range 20 {
		f.Add([]byte(fmt.Sprint(10 + i)))
	}
	objects, next, missed, _ := f.Read(2)
	if got := string(bytes.Join(objects, []byte(" "))); got != "25 26 27 28 29" || next != 20 || missed != 13 {
		t.Errorf("got %q, next %d, missed %d", got, next, missed)
	}
}

// Connections that send nothing, half a request, or a huge one hold a slot for some
// seconds at most, and the answer to a proper request comes all the same.
func TestManyAndHugeRequests(t *testing.T) {
	ownRuntimeDir(t)
	l := serve(t, Place{Name: "api"}, newQuiet())
	for i := range 1000 {
		c, err := net.Dial("unix", l.Path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, []string{"", "GET /v1/st", "POST /v1/stop HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\nx"}[i%3])
	}
	c := newClient(l.Path)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		s, err := c.Status(ctx)
		cancel()
		if err == nil && s.State == Serving {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("no answer: %v", err)
		}
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	ownRuntimeDir(t)
	l := serve(t, Place{Name: "api"}, newQuiet())
	for request, want := range map[string]string{
		"GET /v1/stop HTTP/1.1\r\nHost: x\r\n\r\n":                                             "405",
		"GET /v2/status HTTP/1.1\r\nHost: x\r\n\r\n":                                           "404",
		"GET /v1/wait?timeout=soon HTTP/1.1\r\nHost: x\r\n\r\n":                                "400",
		"POST /v1/reload?wait=maybe HTTP/1.1\r\nHost: x\r\n\r\n":                               "400",
		"GET /v1/logs?last=-1 HTTP/1.1\r\nHost: x\r\n\r\n":                                     "400",
		"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nx":           "413",
		"POST /v1/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n":  "413",
		"GET /v1/status HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n": "431",
	} {
		c := deaf(t, l.Path, request)
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%.40q: %v", request, err)
			continue
		}
		if !strings.HasPrefix(answer.Status, want) {
			t.Errorf("%.40q is answered with %s, want %s", request, answer.Status, want)
		}
	}
}

// The superuser can test with another user: nobody, 65534.
func TestOtherUsersGetNoAnswer(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs the superuser")
	}
	dir := ownRuntimeDir(t)
	l := serve(t, Place{Name: "api"}, newQuiet())
	os.Chmod(dir, 0o755)
	test, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	expect := func(uid int, want string) {
		t.Helper()
		cmd := exec.Command(test)
		cmd.Dir, cmd.Env = filepath.Dir(l.Path), append(os.Environ(), "CONTROL_CLIENT="+filepath.Base(l.Path), "CONTROL_UID="+strconv.Itoa(uid))
		if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("user %d: %s, %v; want %s", uid, out, err, want)
		}
	}
	// Another user can't even look into the folder.
	expect(0, "answer")
	expect(65534, "hidden")
	// Without the modes the credentials of the peer decide.
	os.Chmod(filepath.Dir(l.Path), 0o777)
	os.Chmod(l.Path, 0o666)
	expect(0, "answer")
	expect(65534, "closed")
}

// TestMain is the client of TestOtherUsersGetNoAnswer if CONTROL_CLIENT is a socket in the
// working directory. It becomes another user when it has started: that user may not be
// allowed to execute the test.
func TestMain(m *testing.M) {
	if path := os.Getenv("CONTROL_CLIENT"); path != "" {
		uid, _ := strconv.Atoi(os.Getenv("CONTROL_UID"))
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(uid), syscall.Setuid(uid)); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(firstAnswer(path))
		return
	}
	m.Run()
}

// firstAnswer asks for the status, and returns "answer", "closed" or "hidden".
func firstAnswer(path string) string {
	c, err := net.Dial("unix", path)
	if errors.Is(err, os.ErrPermission) {
		return "hidden"
	}
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
	if b, _ := io.ReadAll(c); len(b) > 0 {
		return "answer"
	}
	return "closed"
}

// A wait outlasts the time for a request.
func TestWaitIsLongerThanARequest(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 6 s")
	}
	t.Parallel()
	q := &patient{newQuiet()}
	s := httptest.NewUnstartedServer(nil)
	s.Config = NewServer(q, nil).http
	s.Start()
	defer s.Close()
	began := time.Now()
	answer, err := http.Get(s.URL + "/v1/wait?timeout=6s")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusGatewayTimeout || time.Since(began) < 6*time.Second {
		t.Errorf("%s after %v", answer.Status, time.Since(began))
	}
}

// patient never serves.
type patient struct{ *quiet }

func (p *patient) Wait(ctx context.Context) (Result, error) {
	<-ctx.Done()
	return Result{}, context.Cause(ctx)
}

// Whatever a client sends, the server answers by HTTP or closes the connection, and the
// next client gets its answer.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n", "GET /v1/wait?timeout=-1s HTTP/1.1\r\n\r\n", "POST /v1/stop?wait=false HTTP/1.0\r\n\r\n",
		"GET /v1/events?last=99999999999999999999&follow=0 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /v1/logs?last=1&follow=false HTTP/1.1\r\nHost:\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01", "GET /v1/../v1/status HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	dir, err := os.MkdirTemp("", "hs-")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { os.RemoveAll(dir) })
	q := newQuiet()
	q.lines.AddLine(Line{Worker: 1, Text: "x"})
	l, err := Listen(Place{Path: filepath.Join(dir, "s")})
	if err != nil {
		f.Fatal(err)
	}
	server := NewServer(q, http.NotFoundHandler())
	server.Serve(l)
	f.Cleanup(func() { server.Close() })
	client := newClient(l.Path)
	f.Fuzz(func(t *testing.T, request []byte) {
		c, err := net.Dial("unix", l.Path)
		if err != nil {
			t.Fatal(err)
		}
		c.Write(request)
		c.(*net.UnixConn).CloseWrite()
		c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // events never end
		answer, _ := io.ReadAll(io.LimitReader(c, 1<<20))
		c.Close()
		if len(answer) > 0 && !bytes.HasPrefix(answer, []byte("HTTP/1.")) {
			t.Errorf("the answer is %.100q", answer)
		}
		if s, err := client.Status(t.Context()); err != nil || s.State != Serving {
			t.Errorf("the next client gets %+v, %v", s, err)
		}
	})
}

func BenchmarkStatus(b *testing.B) {
	dir, err := os.MkdirTemp("", "hs-")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := Listen(Place{Path: filepath.Join(dir, "s")})
	if err != nil {
		b.Fatal(err)
	}
	server := NewServer(newQuiet(), nil)
	server.Serve(l)
	defer server.Close()
	for b.Loop() {
		c, err := Open(l.Path)
		if err == nil {
			_, err = c.Status(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

package worker

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// childVariable makes this test binary a server program: its value is NETWORK ADDRESS.
const childVariable = "WORKER_TEST_LISTEN"

func TestMain(m *testing.M) {
	if where, ok := os.LookupEnv(childVariable); ok {
		os.Unsetenv(childVariable)
		network, address, _ := strings.Cut(where, " ")
		if err := serveChild(network, address); err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// serveChild is an ordinary server program. It answers with its generation and the body of the request.
func serveChild(network, address string) error {
	l, err := Listen(network, address)
	if err != nil {
		return err
	}
	if _, isSet := os.LookupEnv(brokerVariable); isSet {
		return errors.New("the children of the program would look for the broker too")
	}
	return Drain{idle: fullSwing, fresh: fullSwing}.Serve(&http.Server{Handler: http.HandlerFunc(echo)}, l)
}

// fullSwing limits the time from an answer to the next request of a client. On a busy machine it is far longer than the
// idle time of a real drain.
const fullSwing = 10 * time.Second

func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s", cmp.Or(os.Getenv("SERVER_STARTER_GENERATION"), "0"), body)
}

// waitFor polls a fact, for at most ten seconds.
func waitFor(t testing.TB, what string, fact func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !fact(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waiting for %s: not after 10 s", what)
		}
	}
}

// await receives from c, for at most ten seconds.
func await[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(10 * time.Second):
		t.Fatalf("waiting for %s: not after 10 s", what)
		panic("unreachable")
	}
}

// rawSocket binds and listens like a superdaemon: it returns a plain descriptor in blocking mode, which the test owns,
// and the address for clients.
func rawSocket(t testing.TB, network string) (fd int, address string) {
	t.Helper()
	family, at := syscall.AF_INET, syscall.Sockaddr(&syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	if network == "unix" {
		address = t.TempDir() + "/s"
		family, at = syscall.AF_UNIX, &syscall.SockaddrUnix{Name: address}
	}
	fd = socket(t, family, syscall.SOCK_STREAM)
	check(t, "binding", syscall.Bind(fd, at))
	check(t, "listening", syscall.Listen(fd, 511))
	if network != "unix" {
		bound, err := syscall.Getsockname(fd)
		check(t, "getsockname", err)
		address = fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
	}
	return fd, address
}

func socket(t testing.TB, family, kind int) int {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Socket(family, kind, 0)
	check(t, "making a socket", err)
	syscall.CloseOnExec(fd)
	t.Cleanup(func() { syscall.Close(fd) })
	return fd
}

// dup returns a copy of fd that the receiver owns.
func dup(t testing.TB, fd int) int {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	n, err := syscall.Dup(fd)
	check(t, "copying a descriptor", err)
	syscall.CloseOnExec(n)
	return n
}

func check(t testing.TB, doing string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", doing, err)
	}
}

// flags returns the flags of the open file description, or with F_GETFD those of the descriptor.
func flags(t testing.TB, fd, which int) int {
	t.Helper()
	got, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), uintptr(which), 0)
	if errno != 0 {
		t.Fatalf("fcntl of %d: %v", fd, errno)
	}
	return int(got)
}

// isOpen reports whether fd is an open descriptor of this process.
func isOpen(fd int) bool {
	_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
	return errno == 0
}

// inheriting returns a process that inherited copies of the sockets, under these keys.
func inheriting(t testing.TB, sockets map[string]int) *process {
	t.Helper()
	var entries []string
	for key, fd := range sockets {
		entries = append(entries, key+"="+strconv.Itoa(dup(t, fd)))
	}
	return newProcess(environment(map[string]string{portsVariable: strings.Join(entries, ";")}), os.Getpid())
}

// get sends a GET over its own connection, and returns the body of the answer.
func get(t testing.TB, network, address string) string {
	t.Helper()
	conn, err := net.Dial(network, address)
	check(t, "dialing", err)
	defer conn.Close()
	c := newClient(conn)
	_, body, err := c.do("GET", "")
	check(t, "asking", err)
	return body
}

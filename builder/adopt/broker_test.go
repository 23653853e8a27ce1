package adopt_test

import (
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An instrumented program receives random lines with copies of a pipe's end, and then the end of the stream. It serves
// as if started alone. When the pipe ends, no copy has leaked.
func TestBrokerThatMisbehaves(t *testing.T) {
	t.Parallel()
	path, err := server()
	if err != nil {
		t.Fatal(err)
	}
	scripts := []string{
		"none\n", "socket\n", "socket\nsocket\n", "hello 2\n\n\x00\nnone", strings.Repeat("x", 2000), strings.Repeat("x", 500) + "\nnone\n",
	}
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"none", "socket", "hello 1", "ready", "drained", "drain ", "\x00", "keep tcp [::]:1", "want", "\n", "\n", "\n"}
	for range 20 {
		script := ""
		for range random.IntN(20) {
			script += words[random.IntN(len(words))]
		}
		scripts = append(scripts, script)
	}
	for _, script := range scripts {
		t.Run(strconv.Quote(script[:min(len(script), 30)]), func(t *testing.T) {
			misbehave(t, path, script, random.IntN(13))
		})
	}
}

func misbehave(t *testing.T, path, script string, carried int) {
	address := freePort(t, "127.0.0.1")
	broker, end := startBrokered(t, path, address)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	broker.SetDeadline(time.Now().Add(10 * time.Second))
	io.ReadFull(broker, make([]byte, len("hello 1\n")))
	fds := slices.Repeat([]int{int(write.Fd())}, carried)
	broker.WriteMsgUnix([]byte(script+" "), syscall.UnixRights(fds...), nil)
	broker.CloseWrite()
	write.Close()
	until(t, "it listens", func() bool { return answers(address) })
	newClient(t).post("http://" + address)
	read.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := read.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("a descriptor has leaked: %v", err)
	}
	if printed := end(); printed != "" {
		t.Errorf("it printed %q", printed)
	}
}

// startBrokered starts the server with the other end of a broker; end kills it and
// returns what it printed.
func startBrokered(t *testing.T, path, address string) (broker *net.UnixConn, end func() string) {
	t.Helper()
	syscall.ForkLock.RLock()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0) // macOS knows no SOCK_CLOEXEC
	if err == nil {
		syscall.CloseOnExec(pair[0])
		syscall.CloseOnExec(pair[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "broker"), os.NewFile(uintptr(pair[1]), "worker")
	defer ours.Close()
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "plain", address)
	var printed strings.Builder
	cmd.Stdout, cmd.Stderr = &printed, &printed
	cmd.Env, cmd.ExtraFiles = append(os.Environ(), "HOTSTART_FD=3"), []*os.File{theirs}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end = func() string {
		cmd.Process.Kill()
		cmd.Wait()
		return printed.String()
	}
	t.Cleanup(func() { conn.Close(); end() })
	return conn.(*net.UnixConn), end
}

//go:build unix

package worker

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter/internal/wire"
)

// master is a small superdaemon: it holds one socket, and starts this test binary as workers, which are real processes.
type master struct {
	network string
	address string
	fd      int
	count   int
	keeps   bool // the first worker binds, and fd is its copy; or else fd is bound before
}

func newMaster(t testing.TB, network string) *master {
	fd, address := rawSocket(t, network)
	return &master{network: network, address: address, fd: fd}
}

// newKeeper returns a master that has no socket until a worker gives it one.
func newKeeper(t testing.TB, network string) *master {
	m := &master{network: network, address: t.TempDir() + "/s", fd: -1, keeps: true}
	if network != "unix" {
		m.address = "127.0.0.1:" + freePort(t)
	}
	t.Cleanup(func() { syscall.Close(m.fd) })
	return m
}

// child is a worker process.
type child struct {
	pid      int
	hotstart *hotstart
}

// start starts the next generation and returns when it serves.
func (m *master) start(t testing.TB) *child {
	t.Helper()
	m.count++
	ours, theirs := pair(t)
	raw, err := theirs.SyscallConn()
	check(t, "looking at the connection", err)
	c := &child{hotstart: &hotstart{ours, wire.NewReader(ours)}}
	raw.Control(func(broker uintptr) {
		c.pid, err = syscall.ForkExec(os.Args[0], os.Args[:1], &syscall.ProcAttr{
			Env:   m.environ(),
			Files: m.files(broker),
		})
	})
	check(t, "starting a worker", err)
	theirs.Close()
	c.hotstart.expect(t, "hello 1")
	if m.keeps {
		m.keep(t, c.hotstart)
	}
	c.hotstart.expect(t, "ready")
	return c
}

// keep answers the only question of a worker without inherited sockets.
func (m *master) keep(t testing.TB, h *hotstart) {
	t.Helper()
	called := map[string]string{"tcp": "tcp4 ", "unix": "unix "}[m.network] + m.address
	h.expect(t, "want "+called)
	if m.fd >= 0 {
		h.say(t, "socket", m.fd)
		return
	}
	h.say(t, "none", -1)
	h.expect(t, "keep "+called)
	fd, ok := h.in.Take()
	if !ok {
		t.Fatal("keep came without a descriptor")
	}
	m.fd = fd
}

func (m *master) environ() []string {
	env := append(os.Environ(),
		childVariable+"="+m.network+" "+m.address,
		"SERVER_STARTER_GENERATION"+"="+strconv.Itoa(m.count),
		brokerVariable+"=3",
		"GORACE=atexit_sleep_ms=0",
	)
	if m.keeps {
		return env
	}
	return append(env, portsVariable+"="+m.address+"=4")
}

// files returns plain descriptors: Fd() of a file would clear O_NONBLOCK.
func (m *master) files(broker uintptr) []uintptr {
	files := []uintptr{0, 1, 2, broker}
	if m.keeps {
		return files
	}
	return append(files, uintptr(m.fd))
}

// end stops a worker like hotstart, or like a superdaemon that only uses signals.
func (c *child) end(t testing.TB, byBroker bool) {
	t.Helper()
	if byBroker {
		c.hotstart.say(t, "drain", -1)
		c.hotstart.expect(t, "drained")
	}
	check(t, "signalling", syscall.Kill(c.pid, syscall.SIGTERM))
	c.wait(t)
}

// wait waits until a stopped worker exits.
func (c *child) wait(t testing.TB) {
	t.Helper()
	var status syscall.WaitStatus
	_, err := syscall.Wait4(c.pid, &status, 0, nil)
	check(t, "waiting", err)
	if !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("worker %d ended with status %#x, not with 0", c.pid, status)
	}
}

// load is a number of clients, and the results of their requests.
type load struct {
	network, address string

	stop   chan struct{}
	done   sync.WaitGroup
	sent   atomic.Int64
	lost   atomic.Int64
	report func(format string, args ...any)
}

// begin starts clients. Half of them use one connection per request, the other half send POST on a connection until the
// server closes it.
func (l *load) begin(clients int) {
	l.stop = make(chan struct{})
	for i := range clients {
		l.done.Go(func() {
			for n := 0; !isDone(l.stop); n++ {
				l.converse(fmt.Sprintf("%d.%d", i, n), i%2 == 0)
			}
		})
	}
}

func (l *load) end() {
	close(l.stop)
	l.done.Wait()
}

// converse uses one connection.
func (l *load) converse(body string, once bool) {
	conn, err := net.Dial(l.network, l.address)
	if err != nil {
		l.sent.Add(1)
		l.lose("dialing: %v", err)
		return
	}
	defer conn.Close()
	c := newClient(conn)
	for n := 0; !isDone(l.stop); n++ {
		l.sent.Add(1)
		resp, answer, err := c.do("POST", body)
		if err != nil || !strings.HasSuffix(answer, " "+body) {
			l.lose("request %d of its connection: answered %q, %v", n, answer, err)
			return
		}
		if once || resp.Close {
			return
		}
	}
}

func (l *load) lose(format string, args ...any) {
	l.lost.Add(1)
	l.report(format, args...)
}

// handovers replaces workers under load, alternately by the broker and by the signal alone, until enough is true.
func (m *master) handovers(t testing.TB, l *load, clients int, enough func(handovers int) bool) int {
	t.Helper()
	current := m.start(t)
	l.network, l.address, l.report = m.network, m.address, t.Logf
	l.begin(clients)
	n := 0
	for ; !enough(n); n++ {
		before := l.sent.Load()
		next := m.start(t)
		current.end(t, n%2 == 0)
		current = next
		waitFor(t, "requests between two hand-overs", func() bool { return l.sent.Load() > before+int64(clients) })
	}
	l.end()
	current.end(t, true)
	return n
}

// No request is lost, whether the superdaemon binds the socket or keeps the socket of the first worker.
func TestHandoverLosesNothing(t *testing.T) {
	t.Parallel()
	masters := map[string]*master{
		"tcp inherited":  newMaster(t, "tcp"),
		"unix inherited": newMaster(t, "unix"),
		"tcp kept":       newKeeper(t, "tcp"),
		"unix kept":      newKeeper(t, "unix"),
	}
	for name, m := range masters {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &load{}
			m.handovers(t, l, 16, func(handovers int) bool { return handovers == 6 })
			if l.lost.Load() > 0 {
				t.Errorf("%d of %d requests lost", l.lost.Load(), l.sent.Load())
			}
		})
	}
}

// Under systemd the descriptors begin at 3, and LISTEN_PID is the pid of the child.
func TestSocketActivation(t *testing.T) {
	t.Parallel()
	fd, address := rawSocket(t, "tcp")
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", `LISTEN_PID=$$ exec "$0"`, os.Args[0]}, &syscall.ProcAttr{
		Env:   append(os.Environ(), childVariable+"=tcp "+address, "LISTEN_FDS=1", "GORACE=atexit_sleep_ms=0"),
		Files: []uintptr{0, 1, 2, uintptr(fd)},
	})
	check(t, "starting a worker", err)
	if got := get(t, "tcp", address); got != "0 " {
		t.Errorf("answered %q", got)
	}
	(&child{pid: pid}).end(t, false)
}

// A worker ignores signals during a drain: start_server sends one to each old worker at every reload.
func TestSignalsWhileDraining(t *testing.T) {
	t.Parallel()
	m := newMaster(t, "tcp")
	c := m.start(t)
	held, err := net.Dial("tcp", m.address)
	check(t, "dialing", err)
	defer held.Close()
	client := newClient(held)
	fmt.Fprint(held, "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\n")
	get(t, "tcp", m.address) // the next one in the queue is answered: so held is accepted
	for range 5 {
		check(t, "signalling", syscall.Kill(c.pid, syscall.SIGTERM))
		time.Sleep(time.Millisecond) // or the kernel makes one of several
	}
	fmt.Fprint(held, "long")
	if _, answer, err := client.receive(); err != nil || answer != "1 long" {
		t.Errorf("answered %q, %v", answer, err)
	}
	held.Close()
	c.wait(t) // with no other signal: Serve may have returned, and catches none then
}

// Under Debian's start_server, without a broker, a reload loses no request.
func TestStartServer(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("start_server")
	if err != nil {
		t.Skip("start_server is not installed (Debian: libserver-starter-perl)")
	}
	dir := t.TempDir()
	address := dir + "/s"
	cmd := exec.Command(path, "--path="+address, "--interval=1", "--status-file="+dir+"/status", "--", os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=unix "+address, "GORACE=atexit_sleep_ms=0")
	check(t, "starting start_server", cmd.Start())
	waitFor(t, "the first worker", func() bool { return serves(address, "1") })
	waitFor(t, "the status file", func() bool { return exists(dir + "/status") })
	// It looks whether there was a signal, and then sleeps: one that comes in between is not heard.
	waitFor(t, "start_server to sleep", func() bool { return sleeps(cmd.Process.Pid) })

	l := &load{network: "unix", address: address, report: t.Logf}
	l.begin(8)
	check(t, "reloading", cmd.Process.Signal(syscall.SIGHUP))
	waitFor(t, "the second worker alone", func() bool {
		status, _ := os.ReadFile(dir + "/status")
		return strings.HasPrefix(string(status), "2:") && strings.Count(string(status), "\n") == 1
	})
	l.end()
	if l.lost.Load() > 0 || l.sent.Load() == 0 {
		t.Errorf("%d of %d requests lost", l.lost.Load(), l.sent.Load())
	}
	waitFor(t, "start_server to sleep", func() bool { return sleeps(cmd.Process.Pid) })
	check(t, "stopping", cmd.Process.Signal(syscall.SIGTERM))
	check(t, "waiting", cmd.Wait())
}

// sleeps reports whether a process sleeps (proc_pid_stat(5)). It returns true if that is unknown.
func sleeps(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(stat), ") ")
	return err != nil || strings.HasPrefix(state, "S")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// serves reports whether a worker of the generation answers.
func serves(path, generation string) bool {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return false
	}
	defer conn.Close()
	_, answer, err := newClient(conn).do("GET", "")
	return err == nil && strings.HasPrefix(answer, generation+" ")
}

// BenchmarkHandover sends at least b.N requests while workers are replaced all the time, and reports how many were
// lost. For a measurement use -benchtime=200000x.
func BenchmarkHandover(b *testing.B) {
	for _, network := range []string{"tcp", "unix"} {
		b.Run(network, func(b *testing.B) {
			l := &load{}
			n := newMaster(b, network).handovers(b, l, 32, func(int) bool { return l.sent.Load() >= int64(b.N) })
			b.ReportMetric(float64(n), "handovers")
			b.ReportMetric(float64(l.sent.Load()), "requests")
			b.ReportMetric(float64(l.lost.Load()), "lost")
		})
	}
}

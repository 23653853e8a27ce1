//go:build linux

package starter

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"golang.org/x/sys/unix"
)

// described runs the program that describes itself.
func described(t *testing.T, o Options, change func(c *Command)) (description, *show) {
	t.Helper()
	c := program("describe", "LISTEN_PID=1", "NOTIFY_SOCKET=/nowhere")
	stdout, out := reader(t)
	c.Stdout = stdout
	if change != nil {
		change(c)
	}
	sh := run(t, o, c)
	var d description
	line, err := out.ReadString('\n')
	if err == nil {
		err = json.Unmarshal([]byte(line), &d)
	}
	if err != nil {
		t.Fatalf("%v, reading %q", err, line)
	}
	if e := sh.await(Starting); e.Worker.PID != d.PID {
		t.Errorf("%v is pid %d", e.Worker, d.PID)
	}
	return d, sh
}

func TestAWorkerIsGivenExactlyItsSockets(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sock")
	o := Options{Ports: []string{"127.0.0.1:0", "127.0.0.1:u0", "127.0.0.1:0=9", "127.0.0.1:0=6"}, Paths: []string{path}, CanReexec: true}
	d, sh := described(t, o, nil)
	if want := "127.0.0.1:0=3;127.0.0.1:0=4;127.0.0.1:0=9;127.0.0.1:0=6;" + path + "=5"; d.Env["SERVER_STARTER_PORT"] != want {
		t.Errorf("SERVER_STARTER_PORT=%s, want %s", d.Env["SERVER_STARTER_PORT"], want)
	}
	for name, want := range map[string]string{
		"SERVER_STARTER_GENERATION": "1",
		"LISTEN_FDS":                "4",
		"LISTEN_FDNAMES":            "tcp-127.0.0.1-0:udp-127.0.0.1-0:unix-" + path + ":tcp-127.0.0.1-0",
		"LISTEN_PID":                strconv.Itoa(d.PID),
		"HOTSTART_FD":               "7",
	} {
		if got := d.Env[name]; got != want {
			t.Errorf("%s=%s, want %s", name, got, want)
		}
	}
	if value, ok := d.Env["NOTIFY_SOCKET"]; ok {
		t.Errorf("NOTIFY_SOCKET=%s is another process's", value)
	}
	own := sh.kept.Own
	for number, want := range map[int]string{3: link(own[0]), 4: link(own[1]), 9: link(own[2]), 6: link(own[3]), 5: link(own[4])} {
		if d.FDs[number] != want {
			t.Errorf("descriptor %d is %s, want %s", number, d.FDs[number], want)
		}
	}
	if !strings.HasPrefix(d.FDs[7], "socket:") {
		t.Errorf("the broker is %s", d.FDs[7])
	}
	for number, link := range d.FDs {
		if number != 9 && number > 7 && !handedDown(number) {
			t.Errorf("descriptor %d is open: %s", number, link)
		}
	}
	if !d.Blocked {
		t.Error("stdout is non-blocking")
	}
}

// handedDown reports whether this test was started with a descriptor that it passes
// on to its children.
func handedDown(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}

func TestSocketsInPlaceOfStandardInput(t *testing.T) {
	t.Parallel()
	d, sh := described(t, Options{Ports: []string{"127.0.0.1:0=0", "127.0.0.1:0=3"}, CanReexec: true}, nil)
	if d.FDs[0] != link(sh.kept.Own[0]) || d.FDs[3] != link(sh.kept.Own[1]) {
		t.Errorf("descriptors %v", d.FDs)
	}
	if d.Env["LISTEN_FDS"] != "1" || d.Env["LISTEN_FDNAMES"] != "tcp-127.0.0.1-0" {
		t.Errorf("LISTEN_FDS=%s of %s", d.Env["LISTEN_FDS"], d.Env["LISTEN_FDNAMES"])
	}
}

func TestWithoutReexecSocketsAreNotAnnouncedToSystemd(t *testing.T) {
	t.Parallel()
	d, sh := described(t, Options{Ports: []string{"127.0.0.1:0"}}, nil)
	for _, name := range []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} {
		if value, ok := d.Env[name]; ok {
			t.Errorf("%s=%s", name, value)
		}
	}
	if d.FDs[3] != link(sh.kept.Own[0]) || d.Env["HOTSTART_FD"] != "4" {
		t.Errorf("descriptors %v", d.FDs)
	}
}

func TestDirAndNotify(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d, _ := described(t, Options{CanReexec: true, Ready: ReadyAuto, EnvMarker: "A_MARK=1"}, func(c *Command) {
		if err := os.Symlink(c.Path, filepath.Join(dir, "server")); err != nil {
			t.Fatal(err)
		}
		c.Dir, c.Path = dir, "./server"
	})
	if d.Dir != dir || d.Env["A_MARK"] != "1" || !strings.Contains(d.Env["NOTIFY_SOCKET"], "/hotstart-notify-") {
		t.Errorf("%s, %s, %s", d.Dir, d.Env["A_MARK"], d.Env["NOTIFY_SOCKET"])
	}
}

func TestAProgramThatCannotBeStarted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text, noFormat := filepath.Join(dir, "text"), filepath.Join(dir, "binary")
	os.WriteFile(text, []byte("#!/bin/sh\n"), 0o644)
	writeProgram(t, noFormat, "\x00\x01\x02\x03")
	for _, test := range []struct {
		c    Command
		want string
	}{
		{Command{Path: dir + "/missing"}, "starting " + dir + "/missing: no such file or directory"},
		{Command{Path: "./missing", Dir: dir}, "starting ./missing in " + dir + ": no such file or directory"},
		{Command{Path: text}, "starting " + text + ": permission denied"},
		{Command{Path: dir}, "starting " + dir + ": permission denied"},
		{Command{Path: noFormat}, "starting " + noFormat + ": exec format error"},
		{Command{Path: "/bin/true", Dir: dir + "/none"}, "starting /bin/true in " + dir + "/none: no such file or directory"},
		{Command{Path: "/bin/true", Env: []string{"A=\x00"}}, "starting /bin/true: invalid argument"},
	} {
		for _, helper := range []bool{true, false} {
			sh := run(t, Options{CanReexec: helper, MaxStartFailures: 1}, &test.c)
			if e := sh.await(Failed); e.Err == nil || e.Reason() != test.want {
				t.Errorf("helper %v: failed with %v, want %s", helper, e.Err, test.want)
			}
			if err := sh.end(); err != ErrNoWorker {
				t.Errorf("Run: %v", err)
			}
		}
	}
}

// The wait for a program that is being written has a limit.
func TestAProgramThatIsBeingWritten(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "program")
	writeProgram(t, program, "#!/bin/sh\nexit 3\n")
	options, c := Options{CanReexec: true, MaxStartFailures: 1, Interval: time.Hour}, &Command{Path: program}
	letGo := keepWriting(t, program)
	e := run(t, options, c).await(Failed)
	if want := "starting " + program + ": text file busy"; e.Err == nil || e.Reason() != want {
		t.Errorf("failed with %v, want %s", e.Err, want)
	}
	letGo()
	for try := 1; ; try++ {
		letGo := keepWriting(t, program)
		began := time.Now()
		sh := run(t, options, c)
		time.Sleep(10 * proc.WrittenPoll)
		letGo()
		waited := time.Since(began) < proc.WrittenWithin // or this test was too slow to tell
		switch e = sh.await(Failed); {
		case e.Err == nil && e.Reason() == "exit status 3":
			return
		case waited || try == 20:
			t.Fatalf("%s, want exit status 3", e.Reason())
		}
	}
}

// The exec stage may lose a signal when it becomes the program, so a signal waits for the
// program. The stage of this test fails instead.
func TestASignalWaitsForTheProgram(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "program")
	writeProgram(t, program, "#!/bin/sh\nexit 3\n")
	keepWriting(t, program)
	s := newStarter(Options{CanReexec: true}.withDefaults(), nil)
	defer s.Close()
	w, err := startWorker(s, 1, &Command{Path: program}, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	w.Signal(syscall.SIGUSR1)
	w.Stop(syscall.SIGTERM)
	if err := w.Wait(); !errors.Is(err, syscall.ETXTBSY) {
		t.Errorf("the exec stage failed with %v, want %v", err, syscall.ETXTBSY)
	}
	if status := w.end(); status.ExitStatus() != 127 {
		t.Errorf("status %v, want exit status 127", status)
	}
}

// startPiped starts a process and returns its input and its output.
func startPiped(t *testing.T, cmd *exec.Cmd) (stdin io.Closer, out *bufio.Reader) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, out = reader(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return stdin, out
}

// keepWriting makes another process keep a file open for writing until letGo returns;
// see writeProgram.
func keepWriting(t *testing.T, path string) (letGo func()) {
	t.Helper()
	cmd := exec.Command("sh", "-c", `exec 3>>"$1" && echo && exec cat`, "sh", path)
	stdin, out := startPiped(t, cmd)
	letGo = sync.OnceFunc(func() {
		stdin.Close()
		cmd.Wait()
	})
	t.Cleanup(letGo)
	if line, err := out.ReadString('\n'); line != "\n" {
		t.Fatal(line, err)
	}
	return letGo
}

// writeProgram makes another process write an executable file. A file that this
// process has open for writing may still be open in a child that another test is
// forking.
func writeProgram(t *testing.T, path, content string) {
	t.Helper()
	cmd := exec.Command("sh", "-c", `cat >"$1" && chmod 755 "$1"`, "sh", path)
	cmd.Stdin = strings.NewReader(content)
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
}

func TestHowAWorkerEnded(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"exit 3":                                "exit status 3",
		"exit 0":                                "exit status 0",
		"kill -9 $$":                            "killed by signal KILL",
		"exec >&- 2>&- <&-":                     "exit status 0",
		"kill -TERM $$":                         "killed by signal TERM",
		"ulimit -c 0; kill -ABRT $$; sleep 100": "killed by signal ABRT",
	} {
		sh := run(t, Options{CanReexec: true, MaxStartFailures: 1, Interval: time.Hour}, shell(script))
		if e := sh.await(Failed); e.Err != nil || e.Reason() != want {
			t.Errorf("%s: %s, want %s", script, e.Reason(), want)
		}
	}
}

// A worker starts with no signal blocked and with the default action of SIGPIPE.
func TestSignalsOfAWorkerAreDefault(t *testing.T) {
	t.Parallel()
	for _, helper := range []bool{true, false} {
		stdout, out := reader(t)
		run(t, Options{CanReexec: helper, MaxStartFailures: 1}, &Command{Path: "/bin/cat", Args: []string{"cat", "/proc/self/status"}, Stdout: stdout})
		masks := map[string]uint64{}
		for masks["SigCgt"] == 0 && len(masks) < 4 {
			line, err := out.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if name, value, _ := strings.Cut(line, ":"); strings.HasPrefix(name, "Sig") && name != "SigQ" {
				masks[name], _ = strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			}
		}
		if masks["SigBlk"] != 0 || masks["SigIgn"]>>(syscall.SIGPIPE-1)&1 != 0 || len(masks) < 3 {
			t.Errorf("helper %v: masks %x", helper, masks)
		}
	}
}

// The mode of a socket must not change for the old worker.
func TestAStartLeavesTheSocketNonBlocking(t *testing.T) {
	t.Parallel()
	sh := run(t, Options{Ports: []string{"127.0.0.1:0"}, CanReexec: true, Interval: time.Millisecond}, nil)
	fd := sh.kept.Own[0].Descriptor
	if err := unix.SetNonblock(fd, true); err != nil { // like a worker in Go
		t.Fatal(err)
	}
	for range 3 {
		sh.Reload(program("hold"))
		sh.await(Serving)
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
			t.Fatalf("flags %#x, %v", flags, err)
		}
	}
}

func TestAWorkerThatDoesNotLeaveIsKilled(t *testing.T) {
	t.Parallel()
	c := program("stubborn")
	stdout, out := reader(t)
	c.Stdout = stdout
	sh := run(t, Options{CanReexec: true, Interval: time.Millisecond, StopTimeout: 50 * time.Millisecond}, c)
	if line, err := out.ReadString('\n'); line != "deaf\n" {
		t.Fatal(line, err)
	}
	sh.await(Serving)
	sh.stop()
	sh.await(Killing)
	if e := sh.await(Exited); e.Status.Signal() != syscall.SIGKILL {
		t.Errorf("it ended with %s", e.Reason())
	}
	if err := sh.end(); err != nil {
		t.Error(err)
	}
}

// The kernel stops a program that reads from the terminal in the background.
// Such a process handles no signal but SIGKILL until it is continued.
func TestAWorkerThatIsStoppedEndsAtItsSignal(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{"a worker": {}, "a group": {KillGroup: true}} {
		o.CanReexec, o.Interval = true, time.Millisecond
		sh := run(t, o, shell("exec sleep 1000"))
		e := sh.await(Serving)
		syscall.Kill(e.Worker.PID, syscall.SIGSTOP)
		until(t, name+" is not stopped", func() bool { return stateOf(e.Worker.PID) == "T" || runtime.GOOS != "linux" })
		sh.stop()
		if e := sh.await(Exited); e.Status.Signal() != syscall.SIGTERM {
			t.Errorf("%s ended with %s", name, e.Reason())
		}
		if err := sh.end(); err != nil {
			t.Error(err)
		}
	}
}

func TestAWorkerDrains(t *testing.T) {
	t.Parallel()
	c := program("broker")
	stdout, out := reader(t)
	c.Stdout = stdout
	sh := run(t, Options{CanReexec: true, Ready: ReadyNotify, DrainTimeout: time.Hour}, c)
	sh.await(Serving)
	sh.Reload(nil)
	sh.await(Serving)
	if line, err := out.ReadString('\n'); line != "told drain\n" {
		t.Error(line, err)
	}
	if e := sh.await(Exited); e.Worker.Generation != 1 || e.Reason() != "exit status 0" {
		t.Errorf("%v", e)
	}
}

// A worker gets the limit of the user's shell, although the Go runtime raises the
// limit of this process.
func TestTheLimitOfDescriptorsIsHandedDown(t *testing.T) {
	t.Parallel()
	want, err := exec.Command("/bin/sh", "-c", "ulimit -n").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, helper := range []bool{true, false} {
		c := shell("ulimit -n")
		stdout, out := reader(t)
		c.Stdout = stdout
		run(t, Options{CanReexec: helper, MaxStartFailures: 1}, c)
		if got, err := out.ReadString('\n'); got != string(want) {
			t.Errorf("helper %v: %q, want %q, %v", helper, got, want, err)
		}
	}
}

func TestEnded(t *testing.T) {
	t.Parallel()
	s := newStarter(Options{CanReexec: true}.withDefaults(), nil)
	stdin, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	w, err := startWorker(s, 1, &Command{Path: "/bin/sleep", Args: []string{"sleep", "1000"}, Stdin: stdin}, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	if w.Ended() {
		t.Error("it has ended, it says")
	}
	w.Signal(syscall.SIGKILL)
	until(t, "it does not end", w.Ended)
	w.Wait()
	if !w.Ended() {
		t.Error("it has not ended, it says")
	}
	if status := w.end(); status.Signal() != syscall.SIGKILL {
		t.Errorf("status %v", status)
	}
	s.Close()
}

// Run leaves nothing open or running.
func TestRunLeavesNothingBehind(t *testing.T) {
	through := func() {
		sh := run(t, Options{Ports: []string{"127.0.0.1:0", "127.0.0.1:u0"}, Paths: []string{filepath.Join(t.TempDir(), "sock")}, Ready: ReadyAuto, CanReexec: true, MaxStartFailures: 1}, program("broker"))
		sh.await(Serving)
		for _, c := range []*Command{{Path: "/missing"}, {Path: "/bin/false"}, {Path: "/bin/true", Dir: "/missing"}} {
			sh.Reload(c)
			sh.await(GaveUp)
		}
		sh.Reload(program("hold"))
		sh.await(Starting)
		sh.Reload(program("notify"))
		sh.await(Serving)
		sh.stop()
		if err := sh.end(); err != nil {
			t.Error(err)
		}
	}
	through() // the runtime opens some descriptors once
	files, err := openFiles()
	if err != nil {
		t.Fatal(err)
	}
	routines := runtime.NumGoroutine()
	through()
	until(t, "descriptors are left open", func() bool { n, err := openFiles(); return err == nil && n <= files })
	until(t, "goroutines are left", func() bool { return runtime.NumGoroutine() <= routines })
	if kids := proc.Children(os.Getpid()); len(kids) > 0 {
		t.Errorf("children are left: %v", kids)
	}
}

func TestAStartWithoutDescriptorsLeft(t *testing.T) {
	t.Parallel()
	c := program("starve")
	cmd := exec.Command(c.Path)
	cmd.Env = c.Env
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "starved well\n" {
		t.Errorf("%v: %s", err, out)
	}
}

// client connects to a server of lines again and again, until end is set. It returns
// the error of the first connection without an answer.
func client(at string, end *atomic.Bool, count *atomic.Int64) error {
	for !end.Load() {
		c, err := net.Dial("tcp", at)
		if err != nil {
			return err
		}
		fmt.Fprintln(c, "hello")
		line, err := bufio.NewReader(c).ReadString('\n')
		c.Close()
		if err != nil || line != "hello\n" {
			return fmt.Errorf("answered %q, %w", line, err)
		}
		count.Add(1)
	}
	return nil
}

func TestNothingIsLostUnderLoad(t *testing.T) {
	t.Parallel()
	const clients, reloads = 8, 20
	sh := run(t, Options{Ports: []string{"127.0.0.1:0"}, Ready: ReadyAccept, CanReexec: true}, program("echo"))
	sh.await(Serving)
	at := fmt.Sprintf("127.0.0.1:%d", sh.Addresses()[0].Port)
	var end atomic.Bool
	var count atomic.Int64
	var wait sync.WaitGroup
	for range clients {
		wait.Go(func() {
			if err := client(at, &end, &count); err != nil {
				t.Errorf("lost: %v", err)
			}
		})
	}
	for range reloads {
		before := count.Load()
		sh.Reload(nil)
		sh.await(Serving)
		if e := sh.await(Exited); e.Reason() != "exit status 0" {
			t.Errorf("%v", e)
		}
		until(t, "no request is answered", func() bool { return count.Load() > before || t.Failed() })
	}
	end.Store(true)
	wait.Wait()
	t.Logf("%d requests", count.Load())
}

// supervised runs a program with a Starter that kills descendants. It returns what
// the script of the worker writes: one line for each process. The program stops
// when stdin is closed.
func supervised(t *testing.T, script string, lines int) (cmd *exec.Cmd, stdin io.Closer, pids map[string]int) {
	t.Helper()
	c := program("supervise", "SCRIPT="+script, fmt.Sprintf("MARK_TO_USE=HOTSTART_TEST_MARK=%d-%s", os.Getpid(), t.Name()))
	cmd = exec.Command(c.Path)
	cmd.Env, cmd.Stderr = c.Env, os.Stderr
	in, out := startPiped(t, cmd)
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	pids = map[string]int{}
	for range lines {
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		name, pid, _ := strings.Cut(strings.TrimSpace(line), " ")
		if pids[name], err = strconv.Atoi(pid); err != nil {
			t.Fatal(err)
		}
	}
	return cmd, in, pids
}

// stateOf returns the letter of the state of a process, or "" if it is gone.
func stateOf(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:])); len(f) > 0 {
		return f[0]
	}
	return ""
}

// hasEnded reports whether a process is gone or a zombie.
func hasEnded(pid int) bool { return slices.Contains([]string{"", "Z", "X"}, stateOf(pid)) }

// family4 is a worker with one child in its group, one in a session of its own, and
// one whose parent has exited.
const family4 = `
sh -c 'echo child $$; exec sleep 1000' &
setsid sh -c 'echo session $$; exec sleep 1000' &
(setsid sh -c 'echo orphan $$; exec sleep 1000' &)
echo worker $$
wait`

func TestNothingOutlivesAStarterThatIsKilled(t *testing.T) {
	t.Parallel()
	cmd, _, pids := supervised(t, family4, 4)
	kids := proc.Children(cmd.Process.Pid)
	if len(kids) < 3 {
		t.Errorf("children %v: the worker, its orphan or the guard is missing", kids)
	}
	cmd.Process.Kill()
	cmd.Wait()
	for i, pid := range kids {
		pids[fmt.Sprint("child of the starter ", i)] = pid
	}
	for name, pid := range pids {
		until(t, name+" lives", func() bool { return hasEnded(pid) })
	}
}

func TestNothingOutlivesAStarterThatEnds(t *testing.T) {
	t.Parallel()
	// A process without the marker is found, too: it is an orphan of the starter by then.
	cmd, stdin, pids := supervised(t, `env -i setsid sh -c 'echo unmarked $$; exec sleep 1000' &`+family4, 5)
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	for name, pid := range pids {
		if !hasEnded(pid) {
			t.Errorf("%s lives", name)
		}
	}
}

func TestTheGroupOfAWorkerEndsWithIt(t *testing.T) {
	t.Parallel()
	// The first worker ends and leaves a child behind, the second stays.
	_, _, pids := supervised(t, `
if [ $SERVER_STARTER_GENERATION = 1 ]; then
	child=$(sh -c 'echo $$; exec >&-; exec sleep 1000' &)
	echo child $child
	exit 1
fi
echo second $$
exec sleep 1000`, 2)
	until(t, "the child lives", func() bool { return hasEnded(pids["child"]) })
	// Only the starter can reap it.
	until(t, "the child is a zombie", func() bool { return stateOf(pids["child"]) == "" })
}

// While nothing happens, no thread of the starter or the guard wakes up.
func TestNothingWakesAtRest(t *testing.T) {
	t.Parallel()
	cmd, _, pids := supervised(t, `echo worker $$; exec sleep 1000`, 1)
	pid := cmd.Process.Pid
	watched := []int{pid}
	for _, kid := range proc.Children(pid) {
		if kid != pids["worker"] {
			watched = append(watched, kid)
		}
	}
	before := switches(watched)
	until(t, "something wakes again and again", func() bool {
		time.Sleep(300 * time.Millisecond) // the time between two looks
		now := switches(watched)
		still := now == before
		before = now
		return still
	})
}

// switches counts the voluntary context switches of processes.
func switches(pids []int) (sum int) {
	for _, pid := range pids {
		tasks, _ := proc.Names(fmt.Sprintf("/proc/%d/task", pid))
		for _, task := range tasks {
			b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/status", pid, task))
			for line := range strings.Lines(string(b)) {
				if value, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
					n, _ := strconv.Atoi(strings.TrimSpace(value))
					sum += n
				}
			}
		}
	}
	return sum
}

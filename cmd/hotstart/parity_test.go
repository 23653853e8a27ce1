package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hotstart/hotstart/starter"
)

// superdaemons are the programs that the scripts of testdata/start_server run as
// start_server: the original, and hotstart by both of its names.
var superdaemons = map[string]func(path string) error{
	"original": func(path string) error { return os.Symlink(original, path) },
	"symlink":  func(path string) error { return linkHotstart(path) },
	"run": func(path string) error {
		return writeProgram(path, "#!/bin/sh\nexec hotstart run \"$@\"\n")
	},
}

// original is Perl's start_server from Debian's package libserver-starter-perl.
const original = "/usr/bin/start_server"

// TestStartServer runs each script with every superdaemon, so that a script also
// holds the statements about the original.
func TestStartServer(t *testing.T) {
	t.Parallel()
	c := crowd{t, make(chan struct{}, 16), new(sync.WaitGroup)}
	defer c.running.Wait()
	run, _, _ := newRootCmd().Find([]string{"run"})
	for name, install := range superdaemons {
		if run.Name() != "run" && name != "original" {
			continue // it runs after hotstart
		}
		c.running.Go(func() {
			t.Run(name, func(t *testing.T) { runParity(crowd{t, c.room, new(sync.WaitGroup)}, name, install) })
		})
	}
}

func runParity(c crowd, superdaemon string, install func(string) error) {
	if superdaemon != "symlink" && os.Getenv("HOTSTART_LONG") == "" {
		c.Skip("HOTSTART_LONG=1 runs all scripts also with the original and with hotstart run")
	}
	if _, err := os.Stat(original); err != nil && superdaemon == "original" {
		c.Skip("libserver-starter-perl is not installed")
	}
	defer c.running.Wait()
	deadline, _ := c.Deadline()
	testscript.RunT(c, testscript.Params{
		Deadline:           deadline,
		Dir:                "testdata/start_server",
		WorkdirRoot:        scriptRoot(c.T),
		RequireUniqueNames: true,
		Setup:              func(env *testscript.Env) error { return setUpParity(env, install) },
		Condition:          func(cond string) (bool, error) { return parityCondition(cond, superdaemon) },
		Cmds:               parityCommands(superdaemon),
	})
}

func parityCommands(superdaemon string) map[string]func(*testscript.TestScript, bool, []string) {
	idle, send, insist := func(*testscript.TestScript, bool, []string) {}, cmdSignal, cmdSignal
	if superdaemon == "original" {
		idle, send, insist = cmdIdle, cmdSignalSleeper, cmdInsist
	}
	return map[string]func(*testscript.TestScript, bool, []string){
		"start":   cmdStart,
		"see":     cmdSee,
		"sees":    cmdSees,
		"unseen":  cmdUnseen,
		"idle":    idle,
		"send":    send,
		"insist":  insist,
		"ends":    cmdEnds,
		"load":    cmdLoad,
		"await":   cmdAwait,
		"exits":   cmdExits,
		"ask":     cmdAsk,
		"alone":   cmdAlone,
		"holds":   cmdHolds,
		"lap":     cmdLap,
		"hammer":  cmdHammer,
		"program": cmdProgram,
	}
}

// cmdSignal implements send SIGNAL [PID]. A daemon is only known by its pid.
func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	sig, err := starter.ParseSignal(args[0])
	ts.Check(err)
	ts.Check(syscall.Kill(masterOf(ts, args[1:]), sig))
}

func masterOf(ts *testscript.TestScript, pid []string) int {
	if len(pid) == 0 {
		return processOf(ts).cmd.Process.Pid
	}
	n, err := strconv.Atoi(pid[0])
	ts.Check(err)
	return n
}

// cmdIdle implements idle [PID] for the original, which checks for a signal and then
// waits for the next event. It handles a signal that arrives in between only after
// that event. So the script waits until the original sleeps.
func cmdIdle(ts *testscript.TestScript, neg bool, pid []string) {
	noNeg(ts, neg)
	master := masterOf(ts, pid)
	for end := time.Now().Add(patience); !sleeps(master) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

// cmdSignalSleeper implements send for the original.
func cmdSignalSleeper(ts *testscript.TestScript, neg bool, args []string) {
	cmdIdle(ts, neg, args[1:])
	cmdSignal(ts, neg, args)
}

// cmdInsist implements insist SIGNAL for the original with --enable-auto-restart,
// which sets an alarm each second. Perl handles the alarm first, which ends the
// wait; a TERM that arrives together with the alarm stays pending until another
// signal arrives alone.
func cmdInsist(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	sig, err := starter.ParseSignal(args[0])
	ts.Check(err)
	out := processOf(ts).out
	for end := time.Now().Add(patience); !strings.Contains(out.String(), "received "+args[0]); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("%s is not heard:\n%s", args[0], out.String())
		}
		syscall.Kill(masterOf(ts, nil), sig) // it can have exited after the previous signal
	}
}

// sleeps reports whether a process sleeps; proc_pid_stat(5).
func sleeps(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true // this system has no /proc
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "S")
}

func parityCondition(cond, superdaemon string) (bool, error) {
	switch cond {
	case "original":
		return superdaemon == "original", nil
	case "hotstart":
		return superdaemon != "original", nil
	case "installed": // the original, with its module for Perl programs
		_, err := os.Stat(original)
		return err == nil, nil
	case "root":
		return os.Getuid() == 0, nil
	case "long":
		return os.Getenv("HOTSTART_LONG") != "", nil
	case "ipv6":
		l, err := net.Listen("tcp", "[::1]:0")
		if err == nil {
			l.Close()
		}
		return err == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

// setUpParity installs a superdaemon as start_server, and chooses a free port.
func setUpParity(env *testscript.Env, install func(string) error) error {
	env.Values[processKey{}] = &hotstartProcess{dir: env.WorkDir, out: &lockedBuffer{}}
	env.Values[lapKey{}] = new(time.Time)
	env.Values[hammerKey{}] = new(hammer)
	env.Defer(func() { killAll(env.WorkDir) })
	env.Setenv("GORACE", "atexit_sleep_ms=0")
	env.Setenv("TMPDIR", filepath.Join(env.WorkDir, "tmp"))
	env.Setenv("PORT", strconv.Itoa(freePort()))
	bin := filepath.Join(env.WorkDir, "bin")
	env.Setenv("PATH", bin+string(filepath.ListSeparator)+env.Getenv("PATH"))
	for _, dir := range []string{bin, env.Getenv("TMPDIR")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	return install(filepath.Join(bin, "start_server"))
}

func linkHotstart(path string) error {
	to, err := exec.LookPath("hotstart")
	if err != nil {
		return err
	}
	return os.Symlink(to, path)
}

// lastPort is outside of the range from which the kernel chooses ports.
var lastPort atomic.Int32

func freePort() int {
	for {
		port := 15000 + (os.Getpid()*97+int(lastPort.Add(1)))%15000
		l, err := net.Listen("tcp", fmt.Sprint(":", port))
		if err == nil {
			l.Close()
			return port
		}
	}
}

// killAll kills the processes that a failed script has left, and the processes that
// they start.
func killAll(dir string) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		left := processesOf(dir)
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// crowd runs its subtests in parallel, more than there are processors: these scripts
// wait most of the time.
type crowd struct {
	*testing.T
	room    chan struct{}
	running *sync.WaitGroup // counts the subtests
}

func (c crowd) Parallel() {}

func (c crowd) Verbose() bool { return testing.Verbose() }

func (c crowd) Run(name string, f func(testscript.T)) {
	c.running.Go(func() {
		c.room <- struct{}{}
		defer func() { <-c.room }()
		c.T.Run(name, func(t *testing.T) { f(crowd{t, c.room, c.running}) })
	})
}

// ask NETWORK ADDRESS REGEXP: sends requests until the answer matches. The groups
// become $1, $2, and so on. No request may fail. ! ask: the address does not answer.
func cmdAsk(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		if answer, err := question(args[0], args[1]); err == nil {
			ts.Fatalf("%s %s answers %q", args[0], args[1], answer)
		}
		return
	}
	re := regexp.MustCompile(args[2])
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		answer, err := question(args[0], args[1])
		if err != nil {
			ts.Fatalf("%v\n%s", err, processOf(ts).out.String())
		}
		if m := re.FindStringSubmatch(answer); m != nil {
			for i, group := range m[1:] {
				ts.Setenv(fmt.Sprint(i+1), group)
			}
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("the answer is %q:\n%s", answer, processOf(ts).out.String())
		}
	}
}

// question sends one request to the program of cmdWorker.
func question(network, address string) (string, error) {
	c, err := net.Dial(network, address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
		return "", err
	}
	if network == "udp" {
		b := make([]byte, 1500)
		n, err := c.Read(b)
		return string(b[:n]), err
	}
	b, err := io.ReadAll(c)
	if err != nil {
		return "", err
	}
	_, body, _ := strings.Cut(string(b), "\r\n\r\n")
	return body, nil
}

// sees REGEXP: waits for a match anywhere in the output, because the output of a
// worker and the lines about it have no fixed order. The groups become $1, $2, and
// so on.
func cmdSees(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	s, re := processOf(ts), regexp.MustCompile("(?m)"+args[0])
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		if m := re.FindStringSubmatch(s.out.String()); m != nil {
			for i, group := range m[1:] {
				ts.Setenv(fmt.Sprint(i+1), group)
			}
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("never saw %s in:\n%s\nrunning:%s", re, s.out.String(), describe(processesOf(s.dir)))
		}
	}
}

// alone: waits until every process that the script has started has exited.
func cmdAlone(ts *testscript.TestScript, neg bool, _ []string) {
	noNeg(ts, neg)
	checkGone(ts, time.Now().Add(patience))
}

// holds FILE REGEXP: waits until the file has a match. The groups become $1, $2, and
// so on. ! holds: the file has no match now.
func cmdHolds(ts *testscript.TestScript, neg bool, args []string) {
	re := regexp.MustCompile("(?m)" + args[1])
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		b, err := os.ReadFile(ts.MkAbs(args[0]))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			ts.Fatalf("%v", err)
		}
		m := re.FindStringSubmatch(string(b))
		switch {
		case neg && m != nil:
			ts.Fatalf("%s holds %q:\n%s", args[0], m[0], b)
		case neg:
			return
		case m != nil:
			for i, group := range m[1:] {
				ts.Setenv(fmt.Sprint(i+1), group)
			}
			return
		case time.Now().After(end):
			ts.Fatalf("%s does not hold %s:\n%s\n%s", args[0], re, b, processOf(ts).out.String())
		}
	}
}

type lapKey struct{}

// lap [>MIN] [<MAX]: checks the time since the last lap.
func cmdLap(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	last := ts.Value(lapKey{}).(*time.Time)
	took := time.Since(*last)
	for _, bound := range args {
		limit, err := time.ParseDuration(bound[1:])
		ts.Check(err)
		if bound[0] == '>' && took < limit || bound[0] == '<' && took > limit {
			ts.Fatalf("took %v, not %s\n%s", took, bound, processOf(ts).out.String())
		}
	}
	*last = time.Now()
}

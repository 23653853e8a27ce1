package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/starter"
)

func TestMain(m *testing.M) {
	builder.RunTool()
	starter.DispatchReexec()
	// Scripts wait for most of their time, for intervals of a second and more.
	flag.Set("test.parallel", "6")
	testscript.Main(m, map[string]func(){"hotstart": main, "start_server": main, "worker": worker, "binds": binds})
}

// TestScripts runs every script in testdata/script with real builds, processes and
// sockets. A script waits for facts: a line that hotstart prints, an answer, an
// exit.
func TestScripts(t *testing.T) {
	// Under nohup(1) SIGHUP is ignored, also by child processes. exec resets a caught signal to its default.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		WorkdirRoot:        scriptRoot(t),
		Setup:              setUp,
		RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"plain":    cmdPlain,
			"start":    cmdStart,
			"see":      cmdSee,
			"sees":     cmdSees,
			"unseen":   cmdUnseen,
			"get":      cmdGet,
			"edit":     cmdEdit,
			"save":     cmdSave,
			"send":     cmdSend,
			"ends":     cmdEnds,
			"load":     cmdLoad,
			"gone":     cmdGone,
			"await":    cmdAwait,
			"exits":    cmdExits,
			"readme":   cmdReadme,
			"terminal": cmdTerminal,
			"type":     cmdType,
			"modes":    cmdModes,
			"resize":   cmdResize,
			"hangup":   cmdHangup,
			"page":     cmdPage,
			"closes":   cmdCloses,
			"trouble":  cmdTrouble,
			"news":     cmdNews,
			"program":  cmdProgram,
			"problems": cmdProblems,
			"metrics":  cmdMetrics,
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "long":
				return os.Getenv("HOTSTART_LONG") != "", nil
			case "node":
				_, err := exec.LookPath("node")
				return err == nil, nil
			case "root":
				return os.Getuid() == 0, nil
			case "lowports": // only the superuser can bind them
				b, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
				return err != nil || strings.TrimSpace(string(b)) == "1024", nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}

// scriptRoot returns a folder for the folders of scripts. The one that testscript makes by
// itself stays there if -run selects only some of the scripts.
func scriptRoot(t *testing.T) string {
	dir, err := os.MkdirTemp("", "scripts")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// patience is the limit of every wait. Only a failing test reaches it.
const patience = 60 * time.Second

// setUp gives each script the caches of the go command, its own folder for
// temporary files, and the package serve.
func setUp(env *testscript.Env) error {
	out, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
	if err != nil {
		return err
	}
	for i, value := range strings.Fields(string(out)) {
		env.Setenv([]string{"GOCACHE", "GOMODCACHE", "GOPATH"}[i], value)
	}
	env.Setenv("GOPROXY", "off")
	env.Setenv("GORACE", "atexit_sleep_ms=0")
	free, release, err := reserveAddress()
	if err != nil {
		return err
	}
	env.Defer(release)
	env.Setenv("ADDRESS", free)
	env.Setenv("PORT", free[strings.LastIndexByte(free, ':')+1:])
	if path, err := lookPath(env.Getenv("PATH"), "hotstart"); err == nil {
		env.Setenv("HOTSTART", filepath.Dir(path))
	}
	readme, err := filepath.Abs("../../README.md")
	if err != nil {
		return err
	}
	env.Setenv("README", readme)
	tmp := filepath.Join(env.WorkDir, "tmp")
	env.Setenv("TMPDIR", tmp)
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return err
	}
	run := &hotstartProcess{dir: env.WorkDir, out: &lockedBuffer{}}
	env.Values[processKey{}] = run
	env.Defer(run.kill)
	for _, file := range []string{"go.mod", "serve/serve.go"} {
		content, err := os.ReadFile(filepath.Join("testdata", "app", file+".txt"))
		if err != nil {
			return err
		}
		to := filepath.Join(env.WorkDir, file)
		if _, err := os.Stat(to); err == nil {
			continue // the script has its own
		}
		os.MkdirAll(filepath.Dir(to), 0o755)
		if err := os.WriteFile(to, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

type processKey struct{}

// hotstartProcess is the hotstart that a script runs in the background.
type hotstartProcess struct {
	dir    string
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has exited and all of its output is in out
	out    *lockedBuffer
	seen   int // bytes of out that the script has seen
	load   *load

	master  *os.File      // of the terminal that cmd runs on; nil: no terminal
	printed chan struct{} // closed when all output of the terminal is read

	readmeLine int // lines of the README's session that the script has seen
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// over reports whether hotstart has exited.
func (s *hotstartProcess) over() bool {
	select {
	case <-s.exited:
		return true
	default:
		return false
	}
}

func (s *hotstartProcess) kill() {
	if s.cmd != nil && !s.over() {
		s.cmd.Process.Signal(syscall.SIGTERM)
		time.Sleep(2 * cli.DuplicateWithin)
		s.cmd.Process.Signal(syscall.SIGTERM)
		if s.master != nil {
			s.master.Close() // a shell does not ignore a hangup
		}
		<-s.exited
	}
}

func processOf(ts *testscript.TestScript) *hotstartProcess {
	return ts.Value(processKey{}).(*hotstartProcess)
}

func noNeg(ts *testscript.TestScript, neg bool) {
	if neg {
		ts.Fatalf("! makes no sense here")
	}
}

// plain: hotstart builds with the go command alone, which takes half of the time, and
// the tools of Go collect less garbage. It is for scripts whose subject is not the
// build. With HOTSTART_LONG they, too, run with the defaults.
func cmdPlain(ts *testscript.TestScript, neg bool, _ []string) {
	noNeg(ts, neg)
	if os.Getenv("HOTSTART_LONG") == "" {
		ts.Setenv("HOTSTART_ADOPT", "off")
		ts.Setenv("HOTSTART_DIRECT", "off")
		ts.Setenv("GOGC", "400")
	}
}

// start COMMAND ARG...: runs a command, usually hotstart, in the background.
func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	s := processOf(ts)
	s.prepare(ts, args)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	s.cmd.WaitDelay = patience
	s.begin(ts)
}

func (s *hotstartProcess) prepare(ts *testscript.TestScript, args []string) {
	s.cmd, s.exited, s.seen = exec.Command(args[0], args[1:]...), make(chan struct{}), 0
	s.master, s.printed = nil, nil
	s.out = &lockedBuffer{} // an earlier process can still write to the previous buffer
	s.cmd.Dir = ts.MkAbs(".")
	s.cmd.Env = environ(ts)
	if path, err := lookPath(ts.Getenv("PATH"), args[0]); err == nil {
		s.cmd.Path, s.cmd.Err = path, nil
	}
}

func (s *hotstartProcess) begin(ts *testscript.TestScript) {
	letAge(ts)
	ts.Check(s.cmd.Start())
	cmd, exited, printed := s.cmd, s.exited, s.printed
	go func() {
		cmd.Wait()
		if printed != nil {
			<-printed
		}
		close(exited)
	}()
}

// letAge waits until the script's files are older than the time resolution of the
// watcher. Newer files count as changed during the first build.
func letAge(ts *testscript.TestScript) {
	const grain = 10 * time.Millisecond                               // time resolution that the watcher assumes
	if info, err := os.Stat(ts.MkAbs("serve/serve.go")); err == nil { // the last file that is written
		time.Sleep(time.Until(info.ModTime().Add(2 * grain)))
	}
}

func lookPath(path, name string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if p := filepath.Join(dir, name); isExecutable(p) {
			return p, nil
		}
	}
	return "", exec.ErrNotFound
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}

// environ returns the script's environment. testscript only has a lookup by name.
func environ(ts *testscript.TestScript) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "HOTSTART_") })
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR", "GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOFLAGS", "GOTMPDIR", "GOARCH", "GOTOOLCHAIN", "GORACE", "GOGC", "WORK", "ADDRESS", "BROWSER", "HOTSTART_ADOPT", "HOTSTART_DIRECT"} {
		if v := ts.Getenv(name); v != "" || name == "GOFLAGS" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// see REGEXP: waits for a match in the output of hotstart, after the previous
// match. The groups become $1, $2, and so on.
func cmdSee(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	s, re := processOf(ts), regexp.MustCompile(args[0])
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		over := s.over() // before the last comparison
		out := s.out.String()
		if m := re.FindStringSubmatchIndex(out[s.seen:]); m != nil {
			for i := 1; i < len(m)/2; i++ {
				ts.Setenv(fmt.Sprint(i), out[s.seen+m[2*i]:s.seen+m[2*i+1]])
			}
			s.seen += m[1]
			return
		}
		if over || time.Now().After(end) {
			ts.Fatalf("never saw %s in:\n%s", re, out[s.seen:])
		}
	}
}

// unseen REGEXP: fails if the output of hotstart has a match so far.
func cmdUnseen(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	if out := processOf(ts).out.String(); regexp.MustCompile(args[0]).MatchString(out) {
		ts.Fatalf("found %s in:\n%s", args[0], out)
	}
}

// get URL TEXT, or get PATH TEXT for a unix socket: sends requests until the answer
// is TEXT or has such a line. No request may fail.
func cmdGet(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	transport, url := &http.Transport{DisableKeepAlives: true}, args[0]
	if isPath(url) {
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return dial(args[0]) }
		url = "http://unix/"
	} else if !strings.HasPrefix(url, "http") {
		url = "http://" + url
	}
	client := &http.Client{Timeout: patience, Transport: transport}
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		body, err := fetch(client, url)
		if err != nil {
			ts.Fatalf("%v\n%s", err, processOf(ts).out.String())
		}
		if strings.TrimSuffix(body, "\n") == args[1] {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("the answer is %q, not %q:\n%s", body, args[1], processOf(ts).out.String())
		}
	}
}

func fetch(client *http.Client, url string) (string, error) {
	r, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	return string(b), err
}

// edit FILE OLD NEW: replaces OLD in FILE, and saves the file in the way of save.
func cmdEdit(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	file := ts.MkAbs(args[0])
	before, err := os.ReadFile(file)
	ts.Check(err)
	unquote := strings.NewReplacer(`\n`, "\n", `\t`, "\t")
	after := strings.ReplaceAll(string(before), unquote.Replace(args[1]), unquote.Replace(args[2]))
	if after == string(before) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	save(ts, file, after)
}

// save FILE TO: writes the content of FILE to TO in the way of an editor that
// writes a new file and renames it. With cp, a reader could see half of TO, which
// is one more change; mv would keep an old modification time.
func cmdSave(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	save(ts, ts.MkAbs(args[1]), ts.ReadFile(args[0]))
}

func save(ts *testscript.TestScript, file, content string) {
	written := filepath.Join(processOf(ts).dir, "tmp", "written") // hotstart does not watch this folder
	ts.Check(os.WriteFile(written, []byte(content), 0o644))
	ts.Check(os.Rename(written, file))
}

// send SIGNAL: sends a signal to hotstart.
func cmdSend(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	sig, err := starter.ParseSignal(args[0])
	ts.Check(err)
	ts.Check(processOf(ts).cmd.Process.Signal(sig))
}

// ends CODE: waits until hotstart exits, and checks that it has left no process and
// no file.
func cmdEnds(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	s := processOf(ts)
	select {
	case <-s.exited:
	case <-time.After(patience):
		ts.Fatalf("it does not end:\n%s", s.out.String())
	}
	if code := fmt.Sprint(s.cmd.ProcessState.ExitCode()); code != args[0] {
		ts.Fatalf("exit code %s, not %s:\n%s", code, args[0], s.out.String())
	}
	if s.cmd.ProcessState.ExitCode() < 0 { // killed
		checkTidy(ts, controlFolder)
	} else {
		checkTidy(ts)
	}
	checkGone(ts, time.Now())
}

// gone: waits until no process and no file of hotstart is left. Unlike ends, it is
// for a hotstart that was killed: its control socket stays, and the next hotstart of
// the project replaces it.
func cmdGone(ts *testscript.TestScript, neg bool, _ []string) {
	noNeg(ts, neg)
	<-processOf(ts).exited
	checkGone(ts, time.Now().Add(patience))
	checkTidy(ts, controlFolder)
}

// checkGone waits until no process has this script's folder in its environment or
// on its command line.
func checkGone(ts *testscript.TestScript, end time.Time) {
	for {
		left := processesOf(processOf(ts).dir)
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("left running:%s", describe(left))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// processesOf returns the processes that have a script's folder in their
// environment or on their command line.
func processesOf(dir string) (pids []int) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, _ := os.ReadFile("/proc/" + name + "/environ")
		line, _ := os.ReadFile("/proc/" + name + "/cmdline")
		if bytes.Contains(env, []byte("WORK="+dir+"\x00")) || bytes.Contains(line, []byte(dir+"/")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// describe lists processes with the kernel functions in which they wait, for the
// message of a failed test.
func describe(pids []int) string {
	var all strings.Builder
	for _, pid := range pids {
		waits, _ := os.ReadFile(fmt.Sprintf("/proc/%d/wchan", pid))
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		fmt.Fprintf(&all, "\n%d (%s) %s", pid, waits, bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
	}
	return all.String()
}

// await FILE: waits until a file exists.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s never came:\n%s", args[0], processOf(ts).out.String())
		}
	}
}

// exits CODE COMMAND ARG...: runs a command, and checks its exit code and that it
// leaves no file.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	code := "0"
	if errors.As(err, &exit) {
		code = fmt.Sprint(exit.ExitCode())
	} else {
		ts.Check(err)
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, not %s", code, args[0])
	}
	if s := processOf(ts); s.cmd == nil || s.over() {
		checkTidy(ts, controlFolder) // a running hotstart has files there, and a daemon its control socket
	}
}

// controlFolder is where control sockets are without a folder of the session manager.
var controlFolder = fmt.Sprintf("hotstart-%d", os.Geteuid())

// checkTidy checks that the folder for temporary files has no file of hotstart but
// those with the names may.
func checkTidy(ts *testscript.TestScript, may ...string) {
	left, _ := filepath.Glob(filepath.Join(processOf(ts).dir, "tmp", "hotstart-*"))
	left = slices.DeleteFunc(left, func(path string) bool { return slices.Contains(may, filepath.Base(path)) })
	if len(left) > 0 {
		ts.Fatalf("left in TMPDIR: %v", left)
	}
}

// load start URL; load stop: sends requests, each with its own connection, and
// fails if one of them fails.
func cmdLoad(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	s := processOf(ts)
	if args[0] == "start" {
		s.load = startLoad(strings.TrimPrefix(args[1], "http://"))
		return
	}
	asked, err := s.load.stop()
	if err != nil {
		ts.Fatalf("of %d requests one failed: %v\n%s", asked, err, s.out.String())
	}
	ts.Logf("%d requests, none failed", asked)
}

type load struct {
	quit, done chan struct{}
	asked      int
	err        error
}

// startLoad sends a request each millisecond, or each four without HOTSTART_LONG: half
// of a processor would be busy with them.
func startLoad(address string) *load {
	pause := time.Millisecond
	if os.Getenv("HOTSTART_LONG") == "" {
		pause *= 4
	}
	l := &load{quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(l.done)
		for l.err == nil {
			select {
			case <-l.quit:
				return
			case <-time.After(pause):
				l.asked++
				l.err = ask(address)
			}
		}
	}()
	return l
}

func (l *load) stop() (asked int, err error) {
	close(l.quit)
	<-l.done
	return l.asked, l.err
}

// dial connects to a TCP or unix address.
func dial(address string) (net.Conn, error) {
	if isPath(address) {
		return net.Dial("unix", address)
	}
	return net.Dial("tcp", address)
}

func isPath(address string) bool {
	return strings.HasPrefix(address, "/") || strings.HasPrefix(address, "@")
}

// ask sends one request without net/http, because its client would retry.
func ask(address string) error {
	c, err := dial(address)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", address)
	b, err := io.ReadAll(c)
	if err == nil && !bytes.HasPrefix(b, []byte("HTTP/1.1 200 ")) {
		err = errors.New("no answer: " + string(b))
	}
	return err
}

package contend

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"golang.org/x/sys/unix"
)

// patient is a time that outlasts any pause of a busy machine.
const patient = time.Minute

// The test binary is its own worker.
func TestMain(m *testing.M) {
	if os.Getenv("CLAIM") != "" {
		if err := claim(); err != nil {
			fmt.Fprintln(os.Stderr, "claim:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// until polls a condition.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for last := time.Now().Add(patient); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(last) {
			t.Fatalf("timed out: %s", what)
		}
	}
}

// claim takes the resource that CLAIM names, or returns an error. Then it waits until
// it is killed.
func claim() error {
	way, what, _ := strings.Cut(os.Getenv("CLAIM"), " ")
	if err := claims()[way](what); err != nil {
		return err
	}
	fmt.Println("claimed")
	time.Sleep(time.Hour) // until it is killed
	return nil
}

func claims() map[string]func(string) error {
	lock := func(lock func(fd uintptr) error) func(string) error {
		return func(path string) error {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if errors.Is(err, unix.EISDIR) {
				f, err = os.Open(path)
			}
			if err != nil {
				return err
			}
			claimed = f
			if err := lock(f.Fd()); err != nil {
				return errors.New("no luck")
			}
			return nil
		}
	}
	flock := func(how int) func(uintptr) error {
		return func(fd uintptr) error { return unix.Flock(int(fd), how) }
	}
	fcntl := func(command int) func(uintptr) error {
		return func(fd uintptr) error { return unix.FcntlFlock(fd, command, &unix.Flock_t{Type: unix.F_WRLCK}) }
	}
	return map[string]func(string) error{
		"flock":        lock(flock(unix.LOCK_EX | unix.LOCK_NB)),
		"flock-wait":   lock(flock(unix.LOCK_EX)),
		"flock-shared": lock(flock(unix.LOCK_SH | unix.LOCK_NB)),
		"fcntl":        lock(fcntl(unix.F_SETLK)),
		"fcntl-wait":   lock(fcntl(unix.F_SETLKW)),
		"ofd":          lock(fcntl(unix.F_OFD_SETLK)),
		"ofd-wait":     lock(fcntl(unix.F_OFD_SETLKW)),
		"flock-retry": lock(func(fd uintptr) error {
			for flock(unix.LOCK_EX|unix.LOCK_NB)(fd) != nil {
				time.Sleep(50 * time.Millisecond) // like bbolt
			}
			return nil
		}),
		"open": lock(func(uintptr) error { return nil }),
		"fail": func(string) error { return errors.New("no luck") },
		"tcp": func(at string) error {
			_, err := net.Listen("tcp", at)
			return err
		},
		"udp": func(at string) error {
			_, err := net.ListenPacket("udp", at)
			return err
		},
		"unix": func(at string) error {
			_, err := net.Listen("unix", at)
			return err
		},
		"child": func(claim string) error {
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = append(os.Environ(), "CLAIM="+claim, "GORACE=atexit_sleep_ms=0")
			cmd.Stderr = os.Stderr
			cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
			out, err := cmd.StdoutPipe()
			if err != nil {
				return err
			}
			if err := cmd.Start(); err != nil {
				return err
			}
			if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
				return cmd.Wait()
			}
			return nil
		},
	}
}

var claimed *os.File // a global: a finalizer would close it

// claimant is a process that runs claim.
type claimant struct {
	*exec.Cmd
	out *bufio.Reader
}

func startClaim(t *testing.T, dir, claim string) *claimant {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env, cmd.Dir = append(os.Environ(), "CLAIM="+claim, "GORACE=atexit_sleep_ms=0"), dir
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.SetReadDeadline(time.Now().Add(patient))
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		r.Close()
	})
	return &claimant{cmd, bufio.NewReader(r)}
}

// holder returns a claimant that has got its resource.
func holder(t *testing.T, dir, claim string) *claimant {
	t.Helper()
	c := startClaim(t, dir, claim)
	if line, err := c.out.ReadString('\n'); line != "claimed\n" {
		t.Fatalf("%s: %q, %v", claim, line, err)
	}
	return c
}

// The holder has the resource, and the new worker does not get it: it fails with an
// error, or it hangs.
func TestContention(t *testing.T) {
	t.Parallel()
	free := func(network string) string {
		if network == "udp" {
			c, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			return c.LocalAddr().String()
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
	tcp, udp := free("tcp"), free("udp")
	path := filepath.Join(t.TempDir(), "s")
	abstract := fmt.Sprintf("@hotstart-test-%d", os.Getpid())
	const lock = "the lock on data/app.lock"
	for _, test := range []struct {
		holds, wants string
		hangs        bool
		want         string
	}{
		{"flock data/app.lock", "flock data/app.lock", false, lock},
		{"fcntl data/app.lock", "fcntl data/app.lock", false, lock},
		{"ofd data/app.lock", "ofd data/app.lock", false, lock},
		{"flock data", "flock data", false, "the lock on data"},
		{"child flock data/app.lock", "child flock data/app.lock", false, lock},
		{"flock data/app.lock", "flock-wait data/app.lock", true, lock},
		{"fcntl data/app.lock", "fcntl-wait data/app.lock", true, lock},
		{"ofd data/app.lock", "ofd-wait data/app.lock", true, lock},
		{"flock data/app.lock", "flock-retry data/app.lock", true, lock},
		{"child flock data/app.lock", "child flock-wait data/app.lock", true, lock},
		{"flock data/app.lock", "fail", false, ""},
		{"flock data/app.lock", "fcntl-wait data/other.lock", true, ""},
		{"flock data/app.lock", "flock data/missing/file", false, ""},
		{"flock-shared data/app.lock", "open data/app.lock", true, ""},
		{"tcp " + tcp, "tcp " + tcp, false, "the address " + tcp},
		{"child tcp " + tcp, "tcp " + tcp, false, "the address " + tcp},
		{"udp " + udp, "udp " + udp, false, "the address " + udp},
		{"unix " + path, "unix " + path, false, "the address " + path},
		{"unix " + abstract, "unix " + abstract, false, "the address " + abstract},
		{"fail", "fail", false, ""},
	} {
		t.Run(test.holds+" "+test.wants, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "data/app.lock", "data/other.lock")
			var older []int
			if test.holds != "fail" {
				older = append(older, holder(t, dir, test.holds).Process.Pid)
			}
			if test.wants == "fcntl-wait data/other.lock" {
				holder(t, dir, "fcntl data/other.lock") // another process
			}
			c := Observe(older)
			defer c.Close()
			fresh := startClaim(t, dir, test.wants)
			if test.hangs {
				if test.want == "" {
					until(t, "it does not open its file", func() bool {
						return strings.Contains(strings.Join(openPaths(fresh.Process.Pid), " "), "/data/")
					})
				}
				// The process may not have reached that point yet.
				until(t, "what it needs is not found", func() bool { return c.Needs(fresh.Process.Pid, "", nil) == test.want })
				return
			}
			words, err := io.ReadAll(fresh.out)
			if err != nil {
				t.Fatal(err)
			}
			until(t, "it does not end", func() bool { return proc.Exiting(fresh.Process.Pid) })
			if got := c.Needs(fresh.Process.Pid, string(words), nil); got != test.want {
				t.Errorf("it needs %q, want %q; its last words: %s", got, test.want, words)
			}
		})
	}
}

// A kept socket is not a resource of the old worker.
func TestContentionLeavesKeptSocketsOut(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	given, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer given.Close()
	var stat unix.Stat_t
	if err := unix.Fstat(int(given.Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sleep", "1000")
	cmd.ExtraFiles = []*os.File{given}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	c := Observe([]int{cmd.Process.Pid})
	defer c.Close()
	_, taken := net.Listen("tcp", l.Addr().String())
	if got := c.Needs(0, taken.Error(), nil); got != "the address "+l.Addr().String() {
		t.Errorf("it needs %q of a socket that is not kept", got)
	}
	if got := c.Needs(0, taken.Error(), []uint64{stat.Ino}); got != "" {
		t.Errorf("it needs %q of a socket that is kept", got)
	}
}

func openPaths(pid int) (paths []string) {
	proc.EachOfWorkers([]int{pid}, func(_ int, _, to string) { paths = append(paths, to) })
	return paths
}

// write makes empty files.
func write(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

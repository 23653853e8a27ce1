package daemon

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hotstart/hotstart/starter"
)

// The test binary is its own exec stage, and a superdaemon.
func TestMain(m *testing.M) {
	starter.DispatchReexec()
	if dir := os.Getenv("DAEMON_TEST_DIR"); dir != "" {
		if err := superdaemon(dir); err != nil {
			fmt.Fprintln(os.Stderr, "superdaemon:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// superdaemon runs SCRIPT with a pid file and a status file in dir, until a
// signal ends it.
func superdaemon(dir string) error {
	pidFile, err := LockPIDFile(filepath.Join(dir, "pid"))
	if err != nil {
		return err
	}
	status, err := NewStatusFile(filepath.Join(dir, "status"), func(err error) { fmt.Fprintln(os.Stderr, err) })
	if err != nil {
		return err
	}
	failures, _ := strconv.Atoi(os.Getenv("MAX_FAILURES"))
	s, err := starter.New(starter.Options{
		Interval: 20 * time.Millisecond, MaxStartFailures: failures, ReportWorkers: status.Update,
		Report: func(e starter.Event) {
			if e.Kind == starter.GaveUp {
				status.ReloadFailed()
			}
		},
	})
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM)
	go func() {
		for sig := range signals {
			s.Signal(sig.(syscall.Signal))
		}
	}()
	c := shell(os.Getenv("SCRIPT"))
	c.Dir = filepath.Join(dir, "work")
	s.Reload(c)
	err = s.Run(context.Background())
	status.Close()
	pidFile.Close()
	time.Sleep(200 * time.Millisecond) // the lock is released, and the process still runs
	return err
}

// shell is a command that runs a script of sh(1).
func shell(script string) *starter.Command {
	return &starter.Command{Path: "/bin/sh", Args: []string{"sh", "-c", script}}
}

// patient is longer than any event takes on a busy machine.
const patient = 30 * time.Second

func until(t testing.TB, what string, fact func() bool) {
	t.Helper()
	for last := time.Now().Add(patient); !fact(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(last) {
			t.Fatalf("timed out: %s", what)
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func contents(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

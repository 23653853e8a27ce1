package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// A wrapped go command is this program under that name, at the front of a
// tool's PATH. It runs the real one, and writes down when.
type wrapped struct {
	dir string // with the command
	log string
}

const (
	realGo = "HOTBENCH_GO"
	goLog  = "HOTBENCH_GO_LOG"
)

// span is one run of the go command, in ns since 1970.
type span struct{ from, to int64 }

func newWrapped(dir string) (wrapped, error) {
	w := wrapped{filepath.Join(dir, "wrapped"), filepath.Join(dir, "wrapped.log")}
	self, err := os.Executable()
	if err != nil {
		return w, err
	}
	if err := os.MkdirAll(w.dir, 0o755); err != nil {
		return w, err
	}
	return w, os.Symlink(self, filepath.Join(w.dir, "go"))
}

// env has a tool take this go command for the real one.
func (w wrapped) env() ([]string, error) {
	real, err := exec.LookPath("go")
	if err != nil {
		return nil, err
	}
	return []string{"PATH=" + w.dir + ":" + os.Getenv("PATH"), realGo + "=" + real, goLog + "=" + w.log}, nil
}

// asGo is the life of a wrapped go command. Signals that a tool sends to the
// group reach the real one too.
func asGo(args []string) int {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	cmd := exec.Command(os.Getenv(realGo), args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	from := time.Now()
	err := cmd.Run()
	if log, openErr := os.OpenFile(os.Getenv(goLog), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644); openErr == nil {
		fmt.Fprintf(log, "%d %d\n", from.UnixNano(), time.Now().UnixNano())
		log.Close()
	}
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return max(cmd.ProcessState.ExitCode(), 0)
}

// spans lists the runs that have ended.
func (w wrapped) spans() (all []span) {
	f, err := os.Open(w.log)
	if err != nil {
		return nil
	}
	defer f.Close()
	for {
		var s span
		if _, err := fmt.Fscan(f, &s.from, &s.to); err != nil {
			return all
		}
		all = append(all, s)
	}
}

// busy is how long at least one go command ran between two times.
func (w wrapped) busy(from, to time.Time) (total time.Duration) {
	spans := w.spans()
	slices.SortFunc(spans, func(a, b span) int { return int(a.from - b.from) })
	seen := from.UnixNano()
	for _, s := range spans {
		begin, end := max(s.from, seen), min(s.to, to.UnixNano())
		if end > begin {
			total += time.Duration(end - begin)
			seen = end
		}
	}
	return total
}

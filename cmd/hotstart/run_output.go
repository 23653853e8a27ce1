package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control/supervisor"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
)

// output says where clients find the output of the program: in the files that the
// standard output and the standard error of its workers are, or in the log file.
func (o *runOptions) output() supervisor.Output {
	paths := func(pids []int) (all []string) {
		for _, pid := range pids {
			if runtime.GOOS == "linux" { // proc_pid_fd(5): also a file that was renamed
				all = append(all, fmt.Sprintf("/proc/%d/fd/1", pid), fmt.Sprintf("/proc/%d/fd/2", pid))
			}
		}
		return append(all, o.logFile)
	}
	return supervisor.Output{Paths: paths, Elsewhere: o.outputElsewhere(), Clean: term.Plain}
}

// outputElsewhere is the error of hotstart logs if the output goes to no file.
func (o *runOptions) outputElsewhere() error {
	unit := os.Getenv("INVOCATION_ID") // as JOURNAL_STREAM, of systemd.exec(5)
	switch {
	case strings.HasPrefix(strings.TrimSpace(o.logFile), "|"):
		return fmt.Errorf("the output of the program goes to the command of --log-file=%q; hotstart does not keep it", o.logFile)
	case o.logFile == "" && unit != "" && os.Getenv("JOURNAL_STREAM") == fileID(os.Stderr):
		return cli.WithHint(errors.New("the output of the program goes to the journal of systemd"), "journalctl -f _SYSTEMD_INVOCATION_ID="+unit)
	}
	return cli.WithHint(errors.New("the output of the program goes to no file that hotstart could show"), "hotstart run --log-file=FILE … (or 2>>FILE)")
}

// fileID identifies a file as JOURNAL_STREAM does.
func fileID(f *os.File) string {
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	st, _ := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

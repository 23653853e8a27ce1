package starter

import (
	"bytes"
	"fmt"
	"os"
	ossignal "os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// A child subreaper is given children that it never forked, and must wait
// for them when they end. Which those are, the kernel does not say: but who
// forks a child waits for it at once, so a zombie that two looks a second
// apart have met is nobody's.
const unclaimed = time.Second

// reapOrphans waits for orphans that have ended, until ended is closed.
func reapOrphans(ended <-chan struct{}) {
	deaths := make(chan os.Signal, 1)
	ossignal.Notify(deaths, unix.SIGCHLD)
	defer ossignal.Stop(deaths)
	timer := time.NewTimer(0)
	defer timer.Stop()
	armed := true
	var before map[int]bool
	for {
		select {
		case <-ended:
			return
		case <-deaths:
			if !armed {
				timer.Reset(unclaimed)
				armed = true
			}
		case <-timer.C:
			now := zombies()
			for pid := range now {
				if before[pid] {
					unix.Wait4(pid, nil, unix.WNOHANG, nil)
					delete(now, pid)
				}
			}
			before, armed = now, len(now) > 0
			if armed {
				timer.Reset(unclaimed)
			}
		}
	}
}

// endOrphans kills every child that is in another process group than this
// process: a worker led one, and where its orphans went from there, it was
// not into ours.
func endOrphans() {
	group := unix.Getpgrp()
	for {
		found := false
		for _, pid := range children(os.Getpid()) {
			if theirs, err := unix.Getpgid(pid); err != nil || theirs == group {
				continue
			}
			found = true
			unix.Kill(pid, unix.SIGKILL)
			unix.Wait4(pid, nil, 0, nil)
		}
		if !found {
			return
		}
	}
}

// zombies lists the children that have ended and were not waited for.
func zombies() map[int]bool {
	found := map[int]bool{}
	for _, pid := range children(os.Getpid()) {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		// PID (COMMAND) STATE ...: the command may have anything in it.
		if i := bytes.LastIndexByte(b, ')'); i >= 0 && bytes.HasPrefix(b[i:], []byte(") Z")) {
			found[pid] = true
		}
	}
	return found
}

package starter

import (
	"fmt"
	"os"
	ossignal "os/signal"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// A child subreaper is given children that it never forked, and must wait
// for them when they end; but to wait for a child of somebody else's code in
// this process would rob that code of its exit status. The kernel does not
// tell them apart, their groups do: see orphaned. To be safe, an orphan is
// waited for only when two looks a second apart have met it as a zombie.
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
			now := deadOrphans()
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
// not into ours. One that may not be killed is left alone.
func endOrphans() {
	group := unix.Getpgrp()
	tried := map[int]bool{}
	for found := true; found; {
		found = false
		for _, pid := range children(os.Getpid()) {
			theirs, err := unix.Getpgid(pid)
			if err != nil || theirs == group || tried[pid] {
				continue
			}
			if unix.Kill(pid, unix.SIGKILL) != nil {
				tried[pid] = true
				continue
			}
			reap(pid)
			found = true
		}
	}
}

// deadOrphans lists the orphans that have ended and were not waited for.
func deadOrphans() map[int]bool {
	found := map[int]bool{}
	group := unix.Getpgrp()
	session, _ := unix.Getsid(0)
	for _, pid := range children(os.Getpid()) {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if orphaned(b, pid, group, session) {
			found[pid] = true
		}
	}
	return found
}

// orphaned reads /proc/PID/stat of a child and reports whether it is a
// zombie that this process can't have forked. What it forks is in its group,
// or leads one in its session, as workers do. An orphan has its worker's
// group, or one in a session of its own. (One that only made itself a group
// stays a zombie until this process ends.)
func orphaned(stat []byte, pid, group, session int) bool {
	f := statOf(stat)
	if len(f) < 4 || f[0] != "Z" {
		return false
	}
	its, _ := strconv.Atoi(f[2])
	of, _ := strconv.Atoi(f[3])
	return its != group && (its != pid || of != session)
}

// reapStrangers waits for each child that has ended and is not known: what
// pid 1 is given when a parent dies. Called from the loop, so that no worker
// is forked meanwhile.
func reapStrangers(known map[int]bool) {
	for _, pid := range children(os.Getpid()) {
		if !known[pid] {
			unix.Wait4(pid, nil, unix.WNOHANG, nil)
		}
	}
}

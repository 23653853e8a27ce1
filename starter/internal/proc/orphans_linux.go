package proc

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// BecomeSubreaper makes this process the parent of each descendant whose own
// parent exits, so that no descendant escapes; see PR_SET_CHILD_SUBREAPER in
// prctl(2).
func BecomeSubreaper() error {
	return os.NewSyscallError("prctl", unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
}

// A subreaper gets child processes that it has not forked, and must reap them.
// But reaping a child of other code in this process would take its exit status
// away from that code. The kernel does not distinguish the two; their process
// groups do, see isDeadOrphan. To be safe, an orphan is reaped only when two
// looks, claimTime apart, have found it a zombie.
const claimTime = time.Second

// ReapOrphans reaps orphans that have exited, until done is closed.
func ReapOrphans(done <-chan struct{}) {
	deaths, look := ChildExits(done), time.After(0)
	var before map[int]bool
	for {
		select {
		case <-done:
			return
		case <-deaths:
			if look == nil {
				look = time.After(claimTime)
			}
		case <-look:
			now := deadOrphans()
			for pid := range now {
				if before[pid] {
					unix.Wait4(pid, nil, unix.WNOHANG, nil)
					delete(now, pid)
				}
			}
			if before, look = now, nil; len(now) > 0 {
				look = time.After(claimTime)
			}
		}
	}
}

// deadOrphans lists the orphans that have exited and are not reaped yet.
func deadOrphans() map[int]bool {
	found := map[int]bool{}
	group := unix.Getpgrp()
	session, _ := unix.Getsid(0)
	for _, pid := range Children(os.Getpid()) {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if isDeadOrphan(b, pid, group, session) {
			found[pid] = true
		}
	}
	return found
}

// isDeadOrphan reads /proc/PID/stat of a child process, and reports whether
// the child is a zombie that this process can't have forked. What this process
// forks is in its own group, or leads a group in its session, as workers do. An
// orphan is in its worker's group, or in a group of another session. (An orphan
// that has only made a group of its own stays a zombie until this process
// exits.)
func isDeadOrphan(stat []byte, pid, group, session int) bool {
	f := statOf(stat)
	if len(f) < 4 || f[0] != "Z" {
		return false
	}
	itsGroup, _ := strconv.Atoi(f[2])
	itsSession, _ := strconv.Atoi(f[3])
	return itsGroup != group && (itsGroup != pid || itsSession != session)
}

// KillOrphans kills and reaps every child process that is in another process
// group than this process. Workers lead groups of their own, and their orphans
// can't enter the group of this process. A child that can't be killed is
// skipped.
func KillOrphans() {
	group := unix.Getpgrp()
	tried := map[int]bool{}
	for found := true; found; {
		found = false
		for _, pid := range Children(os.Getpid()) {
			theirs, err := unix.Getpgid(pid)
			if err != nil || theirs == group || tried[pid] {
				continue
			}
			if unix.Kill(pid, unix.SIGKILL) != nil {
				tried[pid] = true
				continue
			}
			Reap(pid)
			found = true
		}
	}
}

// ReapUnknown reaps each child process that has exited and is not in known, as
// pid 1 must do. The caller must not fork at the same time.
func ReapUnknown(known []int) {
	for _, pid := range Children(os.Getpid()) {
		if !slices.Contains(known, pid) {
			unix.Wait4(pid, nil, unix.WNOHANG, nil)
		}
	}
}

// killMarked kills every process that has mark in its environment. It stops
// when two looks in a row have found no process, since a process that forks
// during one look is found by the next. It gives up after five seconds, since a
// process may be unkillable.
func killMarked(mark string) {
	if mark == "" {
		return
	}
	const pause, limit = 5 * time.Millisecond, 5 * time.Second
	last := time.Now().Add(limit)
	for clean := 0; clean < 2 && time.Now().Before(last); {
		found := marked(mark)
		for _, pid := range found {
			unix.Kill(pid, unix.SIGKILL)
		}
		clean++
		if len(found) > 0 {
			clean = 0
			time.Sleep(pause)
		}
	}
}

// Leftovers lists the processes that hold one of the sockets and that a worker,
// which has exited, has started.
func Leftovers(generation, worker int, inodes []uint64) (found []Leftover) {
	for _, pid := range processes() {
		if inode := Holds(pid, inodes); inode != 0 && pid != worker && isOf(pid, generation) {
			found = append(found, Leftover{Name(pid), inode})
		}
	}
	return found
}

// Detached lists the processes that a worker has started and that have left
// its process group. The worker has exited, and its group was killed with it.
func Detached(mark string, generation, worker int) []int {
	if mark == "" {
		return nil
	}
	return slices.DeleteFunc(marked(mark), func(pid int) bool {
		group, err := unix.Getpgid(pid)
		return err != nil || group == worker || !isOf(pid, generation)
	})
}

// isOf reports whether a process has the environment of a worker of this
// generation. Together with a socket or the mark of this process, that proves
// that the worker has started the process.
func isOf(pid, generation int) bool {
	return slices.Contains(Environ(pid), "SERVER_STARTER_GENERATION="+strconv.Itoa(generation))
}

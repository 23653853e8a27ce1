//go:build e2e && linux

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// processes lists all processes.
func processes() (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// children lists all processes by their parent.
func children() map[int][]int {
	below := map[int][]int{}
	for _, pid := range processes() {
		if fields := statFields(fmt.Sprintf("/proc/%d", pid)); fields != nil {
			parent, _ := strconv.Atoi(fields[1])
			below[parent] = append(below[parent], pid)
		}
	}
	return below
}

// descendants lists the children of a process, their children, and so on.
func descendants(pid int) []int {
	below := children()
	all := slices.Clone(below[pid])
	for i := 0; i < len(all); i++ {
		all = append(all, below[all[i]]...)
	}
	return all
}

// statFields returns the fields of proc_pid_stat(5) after the name, beginning
// with the state. It returns nil if the process, or the thread, is gone.
func statFields(dir string) []string {
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return nil
	}
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // the name may contain anything
}

// stateOf returns the letter for the state of a process or thread; "" if it is
// gone.
func stateOf(dir string) string {
	fields := statFields(dir)
	if fields == nil {
		return ""
	}
	return fields[0]
}

// isStopped reports whether all threads of a process are stopped or dead.
func isStopped(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	return !slices.ContainsFunc(threads, func(dir string) bool { return !strings.Contains("TZX", stateOf(dir)) })
}

func commandOf(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(b))
}

func hasEnv(pid int, variable string) bool {
	env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return slices.Contains(strings.Split(string(env), "\x00"), variable)
}

// usage is what a process holds.
type usage struct{ memoryKB, files, threads int }

func (u usage) String() string {
	return fmt.Sprintf("%d kB of memory, %d file descriptors, %d threads", u.memoryKB, u.files, u.threads)
}

// leaks reports whether a process holds so much more than before that it must
// be a leak. The Go runtime never ends threads that have once waited for a
// worker.
func (u usage) leaks(before usage) bool {
	return u.files > before.files+10 || u.threads > before.threads+50 || u.memoryKB > before.memoryKB+20_000
}

func usageOf(pid int) (u usage) {
	memory, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	for line := range strings.Lines(string(memory)) {
		fmt.Sscanf(line, "Rss: %d kB", &u.memoryKB)
	}
	files, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	u.files, u.threads = len(files), len(threads)
	return u
}

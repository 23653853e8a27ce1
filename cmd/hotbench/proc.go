package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is the sum of what some processes use, from /proc.
type usage struct {
	RSS     int     `json:"rss_kib"`
	Watches int     `json:"inotify_watches"`
	CPU     float64 `json:"cpu_us"`  // since the start of the processes
	Wakes   int     `json:"wakeups"` // context switches of their threads, since their start
}

// measure skips processes that exit while it reads.
func measure(pids []int) (u usage) {
	for _, pid := range pids {
		dir := fmt.Sprintf("/proc/%d", pid)
		memory, _ := os.ReadFile(dir + "/smaps_rollup")
		u.RSS += number(memory, "Rss:")
		u.Watches += watches(dir)
		u.addThreads(dir)
	}
	return u
}

// addThreads reads schedstat, which has nanoseconds; stat has hundredths of a
// second.
func (u *usage) addThreads(dir string) {
	for _, task := range glob(dir + "/task/*") {
		if b, err := os.ReadFile(task + "/schedstat"); err == nil {
			ns, _ := strconv.ParseFloat(strings.Fields(string(b))[0], 64)
			u.CPU += ns / 1e3
		}
		status, _ := os.ReadFile(task + "/status")
		u.Wakes += number(status, "voluntary_ctxt_switches:") + number(status, "nonvoluntary_ctxt_switches:")
	}
}

func watches(dir string) (n int) {
	for _, name := range glob(dir + "/fdinfo/*") {
		if to, _ := os.Readlink(filepath.Join(dir, "fd", filepath.Base(name))); to != "anon_inode:inotify" {
			continue
		}
		b, _ := os.ReadFile(name)
		n += bytes.Count(b, []byte("inotify wd:"))
	}
	return n
}

// number reads the number after the name of a field at the beginning of a line.
func number(text []byte, field string) int {
	for line := range bytes.Lines(text) {
		if value, ok := bytes.CutPrefix(line, []byte(field)); ok {
			n, _ := strconv.Atoi(string(bytes.Fields(value)[0]))
			return n
		}
	}
	return 0
}

func glob(pattern string) []string {
	names, _ := filepath.Glob(pattern)
	return names
}

func processes() (pids []int) {
	for _, dir := range glob("/proc/[0-9]*") {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		pids = append(pids, pid)
	}
	return pids
}

// treeWithout lists a process and its descendants without one subtree.
func treeWithout(root, subtree int) (pids []int) {
	children := map[int][]int{}
	for _, pid := range processes() {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		parent := number(status, "PPid:")
		children[parent] = append(children[parent], pid)
	}
	var walk func(pid int)
	walk = func(pid int) {
		if pid == subtree {
			return
		}
		pids = append(pids, pid)
		for _, child := range children[pid] {
			walk(child)
		}
	}
	walk(root)
	return pids
}

// awaitRest waits until processes use next to no processor time, or until a
// limit, because some tools poll all the time.
func awaitRest(pids func() []int) {
	const interval, idle, limit = 500 * time.Millisecond, 5e3, 15 * time.Second // idle in µs
	before := measure(pids()).CPU
	for end := time.Now().Add(limit); time.Now().Before(end); {
		time.Sleep(interval)
		now := measure(pids()).CPU
		if now-before < idle {
			return
		}
		before = now
	}
}

// killMarked kills all processes with a NAME=VALUE in their environment. It
// finds processes that have left the process group and the tree of a tool.
func killMarked(mark string) {
	for clean := 0; clean < 2; clean++ {
		for _, pid := range processes() {
			env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
			if pid != os.Getpid() && slices.Contains(strings.Split(string(env), "\x00"), mark) {
				syscall.Kill(pid, syscall.SIGKILL)
				clean = 0
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

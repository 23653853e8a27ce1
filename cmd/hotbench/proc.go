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

// usage is what processes take, as Linux tells in /proc.
type usage struct {
	Processes int     `json:"processes"`
	RSS       int     `json:"rss_kib"`
	PSS       int     `json:"pss_kib"` // pages that several share are counted once
	Watches   int     `json:"inotify_watches"`
	Files     int     `json:"descriptors"`
	Threads   int     `json:"threads"`
	CPU       float64 `json:"cpu_us"`  // since they started
	Wakes     int     `json:"wakeups"` // times that a thread of theirs gave up the processor, since they started
}

// toolAlone lists the processes of a tool: its tree less that of the program
// that it runs.
func toolAlone(tool, program int) []int {
	below := children()
	var all []int
	var walk func(pid int)
	walk = func(pid int) {
		if pid == program {
			return
		}
		all = append(all, pid)
		for _, child := range below[pid] {
			walk(child)
		}
	}
	walk(tool)
	return all
}

// children lists the processes by the one that started them.
func children() map[int][]int {
	below := map[int][]int{}
	for _, pid := range processes() {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // it has ended
		}
		// The name stands in brackets and may hold anything.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if parent, err := strconv.Atoi(string(fields[1])); err == nil {
			below[parent] = append(below[parent], pid)
		}
	}
	return below
}

func processes() (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// measure adds up what the processes take. One that ends meanwhile counts
// for nothing.
func measure(pids []int) usage {
	u := usage{Processes: len(pids)}
	for _, pid := range pids {
		dir := fmt.Sprintf("/proc/%d", pid)
		memory, _ := os.ReadFile(dir + "/smaps_rollup") // once: it may grow meanwhile
		u.RSS += number(memory, "Rss:")
		u.PSS += number(memory, "Pss:")
		u.Watches += watches(dir)
		u.Files += len(glob(dir + "/fd/*"))
		u.addThreads(dir)
	}
	return u
}

// addThreads adds what the scheduler knows of the threads of a process:
// schedstat has nanoseconds, where stat has hundredths of a second.
func (u *usage) addThreads(dir string) {
	for _, task := range glob(dir + "/task/*") {
		u.Threads++
		if b, err := os.ReadFile(task + "/schedstat"); err == nil {
			ns, _ := strconv.ParseFloat(strings.Fields(string(b))[0], 64)
			u.CPU += ns / 1e3
		}
		status, _ := os.ReadFile(task + "/status")
		u.Wakes += number(status, "voluntary_ctxt_switches:") + number(status, "nonvoluntary_ctxt_switches:")
	}
}

// watches counts the files and directories that inotify watches for a
// process.
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

func kib(file, field string) int {
	b, _ := os.ReadFile(file)
	return number(b, field)
}

// number reads what follows the name of a field at the beginning of a line.
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

// settle waits until the processes take next to nothing, and not for ever:
// some tools always poll.
func settle(pids func() []int) {
	const moment, little, patience = 500 * time.Millisecond, 5e3, 15 * time.Second // little in us
	before := measure(pids()).CPU
	for end := time.Now().Add(patience); time.Now().Before(end); {
		time.Sleep(moment)
		now := measure(pids()).CPU
		if now-before < little {
			return
		}
		before = now
	}
}

// endMarked kills the processes that carry a mark in their environment: what
// a tool has left behind, whatever group and parent it has by now.
func endMarked(mark string) {
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

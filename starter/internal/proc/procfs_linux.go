package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// processes lists the pids of all processes except this one.
func processes() (pids []int) {
	names, _ := Names("/proc")
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Names returns the names in a directory, unsorted.
func Names(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// Environ returns the environment that a process was started with. It is empty
// for a zombie, and for a process that has overwritten it to set its title.
func Environ(pid int) []string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return strings.Split(string(b), "\x00")
}

// marked lists the processes that have the variable mark in their environment.
func marked(mark string) []int {
	return slices.DeleteFunc(processes(), func(pid int) bool { return !slices.Contains(Environ(pid), mark) })
}

// Tree lists pid and all its descendants.
func Tree(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, Children(all[i])...)
	}
	return all
}

// Children lists the processes that a process has started and that live, and
// zombies.
func Children(pid int) (all []int) {
	tasks, _ := Names(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task))
		for field := range strings.FieldsSeq(string(b)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// statOf returns the fields of /proc/PID/stat after the command, which may
// contain any character: STATE PPID PGRP SESSION TTY TPGID FLAGS ...
func statOf(stat []byte) []string {
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
}

// Exiting reports whether a process is exiting, is a zombie, or can't be found.
// Such a process no longer waits for connections, and only root may read its
// descriptors.
func Exiting(pid int) bool {
	const exiting = 0x4 // PF_EXITING of the kernel's sched.h
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	f := statOf(b)
	if len(f) < 7 {
		return !errors.Is(err, fs.ErrPermission)
	}
	flags, err := strconv.ParseUint(f[6], 10, 32)
	return err == nil && flags&exiting != 0
}

// Exited reports whether a process is a zombie, or can't be found.
func Exited(pid int) bool {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	f := statOf(b)
	return len(f) == 0 || f[0] == "Z" || f[0] == "X"
}

// Name describes a process for a person: `pid 4711 (python3 -m http.server)`.
// The command line is cut to 80 bytes.
func Name(pid int) string {
	const longest = 80
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	line := strings.TrimSpace(strings.ReplaceAll(string(b), "\x00", " "))
	if line == "" {
		line = "command unknown"
	}
	if quoted := strconv.Quote(line); quoted != `"`+line+`"` {
		line = quoted // no control sequence may reach the terminal
	}
	if len(line) > longest {
		line = strings.ToValidUTF8(line[:longest], "") + "..."
	}
	return fmt.Sprintf("pid %d (%s)", pid, line)
}

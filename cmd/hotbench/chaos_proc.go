package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// obedient is how to run a command so that file modes count, for root too.
func obedient() []string {
	setpriv, err := exec.LookPath("setpriv")
	if os.Getuid() != 0 || err != nil {
		return nil
	}
	return []string{setpriv, "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"}
}

// mountSmall mounts a small file system of its own, which can be filled, if
// this user may do that.
func mountSmall(dir string) error {
	if os.Getuid() != 0 {
		return nil
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m,mode=700"); err != nil && !errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("mounting a small file system: %w", err)
	}
	return nil
}

func isMounted(dir string) bool {
	b, _ := os.ReadFile("/proc/self/mountinfo")
	return strings.Contains(string(b), " "+dir+" ")
}

func unmount(dir string) {
	if isMounted(dir) {
		syscall.Unmount(dir, syscall.MNT_DETACH)
	}
}

// workers lists the processes that run a program from where they are.
func (c *chaos) workers() (pids []int) {
	for _, pid := range children()[c.session.cmd.Process.Pid] {
		if to, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); strings.HasPrefix(to, c.patient.home(c)+"/") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// anyRuns reports whether one of these workers has not died yet.
func (c *chaos) anyRuns(pids []int) bool {
	return slices.ContainsFunc(c.workers(), func(pid int) bool { return slices.Contains(pids, pid) })
}

// moves reports whether a thread of a process has not stopped yet.
func moves(pid int) bool {
	return slices.ContainsFunc(glob(fmt.Sprintf("/proc/%d/task/*/stat", pid)), func(name string) bool {
		return !strings.Contains("TZX", stateIn(name))
	})
}

// stateIn is the letter for the state of a process, or of a thread, in its stat file.
func stateIn(name string) string {
	b, _ := os.ReadFile(name)
	_, state, _ := strings.Cut(string(b), ") ")
	return state[:min(1, len(state))]
}

func descendants(pid int) []int {
	below := children()
	all := slices.Clone(below[pid])
	for i := 0; i < len(all); i++ {
		all = append(all, below[all[i]]...)
	}
	return all
}

func commandOf(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(b))
}

// settled makes sure that in the end one worker is left, and no zombie. What
// workers have put into sessions of their own lives as long as hotstart.
func (c *chaos) settled() error {
	var seen string
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var zombies []string
		for _, pid := range children()[c.session.cmd.Process.Pid] {
			if stateIn(fmt.Sprintf("/proc/%d/stat", pid)) == "Z" {
				zombies = append(zombies, commandOf(pid))
			}
		}
		workers := c.workers()
		if len(workers) == 1 && len(zombies) == 0 {
			return nil
		}
		seen = fmt.Sprintf("%d workers and zombies %v", len(workers), zombies)
	}
	return fmt.Errorf("in the end hotstart has %s", seen)
}

// grown says what a process holds so much more of that it must be a leak.
// What it held before is nothing if the run was too short to tell. Threads are
// as many as have ever waited at once, for a worker each: Go ends none.
func grown(before, now usage) error {
	if before.Files == 0 {
		return nil
	}
	fmt.Printf("descriptors %d, then %d; threads %d, then %d; memory %d kB, then %d kB\n",
		before.Files, now.Files, before.Threads, now.Threads, before.RSS, now.RSS)
	if now.Files > before.Files+10 || now.Threads > before.Threads+50 || now.RSS > before.RSS+20_000 {
		return errors.New("that is a leak")
	}
	return nil
}

// left makes sure that hotstart leaves neither file nor process.
func (c *chaos) left() error {
	files, _ := filepath.Glob(filepath.Join(c.tmp, "*"))
	if len(files) > 0 {
		return fmt.Errorf("left behind: %v", files)
	}
	for _, pid := range processes() {
		env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if !strings.Contains(string(env), "TMPDIR="+c.tmp+"\x00") {
			continue
		}
		if !c.patient.strays || commandOf(pid) != stray {
			return fmt.Errorf("left running: %d, %s", pid, commandOf(pid))
		}
		syscall.Kill(pid, syscall.SIGKILL)
	}
	return nil
}

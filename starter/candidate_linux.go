package starter

import (
	"bytes"
	"errors"
	"fmt"
	"github.com/hotstart/hotstart/starter/internal/proc"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// look finds out what /proc shows of the process.
func (c *candidate) look(f *os.File, pid int) {
	dir := fmt.Sprintf("/proc/%d", pid)
	c.user = userOf(dir)
	c.name = strangeName(dir)
	c.holds, c.seen = hasLocked(dir, f, pid)
}

// hasLocked reports whether a process has locked a file itself, and whether that
// can be seen: not without /proc/locks, as under gVisor, and not of another
// user's process without the right to trace it. The numbers of device and
// inode in /proc/locks are not those of stat(2) on btrfs and overlayfs, so
// the process's own descriptors are looked at; proc_pid_fdinfo(5).
func hasLocked(dir string, f *os.File, pid int) (held, seen bool) {
	fds, err := os.ReadDir(dir + "/fd")
	file, err2 := f.Stat()
	if _, err3 := os.Stat("/proc/locks"); err != nil || err2 != nil || err3 != nil {
		return false, false
	}
	for _, fd := range fds {
		there, err := os.Stat(dir + "/fd/" + fd.Name())
		if errors.Is(err, fs.ErrPermission) {
			return false, false
		}
		if err != nil || !os.SameFile(file, there) {
			continue
		}
		if b, err := os.ReadFile(dir + "/fdinfo/" + fd.Name()); err == nil && locks(b, pid) {
			return true, true
		}
	}
	return false, true
}

// locks reads /proc/PID/fdinfo/FD and reports whether pid has taken a lock
// by that descriptor: one that it has inherited is another's.
func locks(fdinfo []byte, pid int) bool {
	return slices.ContainsFunc(proc.Locks(fdinfo), func(l proc.Lock) bool { return l.Write && l.PID == pid })
}

// userOf returns the effective user of a process, or -1.
func userOf(dir string) int {
	b, _ := os.ReadFile(dir + "/status")
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "Uid:" {
			if uid, err := strconv.Atoi(f[2]); err == nil {
				return uid
			}
		}
	}
	return -1
}

// strangeName returns the name of a process that is not a start_server, a
// hotstart or another process of this program, or "". A script goes by its
// own name and by that of its interpreter.
func strangeName(dir string) string {
	comm, err := os.ReadFile(dir + "/comm")
	if err != nil {
		return ""
	}
	name := strings.TrimSpace(string(comm))
	exe, _ := os.Readlink(dir + "/exe") // empty without the right to see it
	names := []string{name, strings.TrimSuffix(filepath.Base(exe), " (deleted)")}
	cmdline, _ := os.ReadFile(dir + "/cmdline")
	for _, arg := range bytes.Split(cmdline, []byte{0}) {
		if string(arg) == "--" {
			break // what follows is the server's
		}
		names = append(names, filepath.Base(string(arg)))
	}
	own, _ := os.Executable()
	for _, known := range []string{"start_server", "hotstart", filepath.Base(own)} {
		if slices.Contains(names, known) {
			return ""
		}
	}
	return name
}

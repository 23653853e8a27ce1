package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hotstart/hotstart/starter/internal/proc"
)

// look reads the properties of the process from /proc.
func (c *candidate) look(f *os.File, pid int) {
	dir := fmt.Sprintf("/proc/%d", pid)
	c.user = userOf(dir)
	c.name = strangeName(dir)
	c.holds, c.seen = hasLocked(dir, f, pid)
}

// hasLocked reports whether a process has locked a file itself, and whether the
// kernel shows that. It does not without /proc/locks, for example under gVisor,
// or if this process may not trace the other one. The device and inode numbers in
// /proc/locks are not those of stat(2) on btrfs and overlayfs, so hasLocked reads
// the descriptors of the process; proc_pid_fdinfo(5).
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

// locks reports whether /proc/PID/fdinfo/FD shows a lock that pid has taken. The
// lock of an inherited descriptor belongs to another process.
func locks(fdinfo []byte, pid int) bool {
	return slices.ContainsFunc(proc.Locks(fdinfo), func(l proc.Lock) bool { return l.Write && l.PID == pid })
}

// userOf returns the effective user ID of a process, or -1.
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

// strangeName returns the name of a process, or "" if the process is start_server,
// hotstart or another process of this program. A script has its own name and
// that of its interpreter.
func strangeName(dir string) string {
	comm, err := os.ReadFile(dir + "/comm")
	if err != nil {
		return ""
	}
	name := strings.TrimSpace(string(comm))
	exe, _ := os.Readlink(dir + "/exe") // empty without the permission to read it
	names := []string{name, strings.TrimSuffix(filepath.Base(exe), " (deleted)")}
	cmdline, _ := os.ReadFile(dir + "/cmdline")
	for _, arg := range bytes.Split(cmdline, []byte{0}) {
		if string(arg) == "--" {
			break // the rest is the command of the server
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

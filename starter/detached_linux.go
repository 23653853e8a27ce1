package starter

import "golang.org/x/sys/unix"

// detachedOf lists the processes that a worker, which has ended, has started and that
// have left its process group: that group was ended with it. They are known by
// their environment.
func detachedOf(mark string, w Worker) []int {
	if mark == "" {
		return nil
	}
	var found []int
	for _, pid := range marked(mark) {
		if group, err := unix.Getpgid(pid); err == nil && group != w.PID && generationIn(pid) == w.Generation {
			found = append(found, pid)
		}
	}
	return found
}

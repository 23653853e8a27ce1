package starter

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// endMarked kills every process that carries the mark, until two looks in a
// row find none: a process that forks while it is looked for is found by
// the next look. One that can't be killed is not waited for longer than a
// few seconds.
func endMarked(mark string) {
	if mark == "" {
		return
	}
	const pause, patience = 5 * time.Millisecond, 5 * time.Second
	last := time.Now().Add(patience)
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

// marked lists the processes with mark among their environment's variables.
func marked(mark string) []int {
	return slices.DeleteFunc(processes(), func(pid int) bool { return !slices.Contains(variables(pid), mark) })
}

package control

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// NotRunningError says that no hotstart listens at a place.
type NotRunningError struct {
	Place
	Others []Instance // that run, of this user
}

func (e *NotRunningError) Error() string {
	switch {
	case e.Path != "":
		return fmt.Sprintf("no hotstart listens at %s", e.Path)
	case e.Name != "":
		return fmt.Sprintf("no hotstart with the name %q runs", e.Name)
	case e.PID != 0:
		return fmt.Sprintf("the hotstart with the pid %d has no control socket that this user can find", e.PID)
	}
	return fmt.Sprintf("no hotstart runs in %s or a folder above it", e.Dir)
}

// Hint returns the command that starts one, and the flag that finds another one.
func (e *NotRunningError) Hint() string {
	hint := "hotstart watch, or hotstart run -- ./program"
	switch {
	case e.Path != "":
		hint = "hotstart run --control=" + e.Path + " -- ./program"
	case e.Name != "":
		hint = "hotstart run --name=" + e.Name + " -- ./program"
	case e.PID != 0:
		hint = "hotstart run --pid-file=FILE --name=NAME -- ./program"
	}
	if len(e.Others) == 0 {
		return hint
	}
	other := e.Others[0]
	flag := "--dir=" + other.Dir
	if other.Name != "" {
		flag = "--name=" + other.Name
	}
	return fmt.Sprintf("%s (%s: the hotstart %s in %s)", hint, flag, other.Mode, other.Dir)
}

// instances returns the hotstarts in the folders of the user, in the order of their
// starts, the newest one first.
func instances() (all []Instance) {
	const patience = 200 * time.Millisecond // one that is stopped by a signal does not answer
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, dir := range folders() {
		if checkPrivate(dir.path) != nil {
			continue
		}
		sockets, _ := filepath.Glob(filepath.Join(dir.path, "*.sock"))
		for _, path := range sockets {
			if s, err := newClient(path).Status(ctx); err == nil {
				all = append(all, s.Instance)
			}
		}
	}
	slices.SortFunc(all, func(a, b Instance) int { return b.Began.Compare(a.Began) })
	return all
}

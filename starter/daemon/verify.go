package daemon

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A candidate is the process whose pid is in a pid file, and which should be the
// superdaemon that holds the lock. Every user who can open the file can lock it,
// and every user who can write to it can name any process.
type candidate struct {
	owner  int    // user who owns the file
	shared bool   // other users can write to the file
	asks   int    // user who is about to send a signal
	user   int    // user of the process; -1: unknown
	name   string // name of the process; "" if it is that of a superdaemon, or unknown
	seen   bool   // the kernel shows which process holds the lock
	holds  bool   // the process holds the lock
}

// refusal returns the reason for which the process must not get a signal, or "".
func (c candidate) refusal() string {
	const root = 0
	theirs := c.asks == root && c.user == c.owner // they could send it themselves
	switch {
	case c.seen && !c.holds:
		return "which does not hold its lock"
	case !c.seen && (c.shared || c.owner != root && c.owner != c.asks && !theirs):
		return "but other users can write to it, and the kernel does not show who holds its lock"
	case c.name != "":
		return fmt.Sprintf("which is %s, not a start_server or hotstart", c.name)
	case c.user >= 0 && c.user != c.asks && !theirs:
		return fmt.Sprintf("which belongs to user %d", c.user)
	}
	return ""
}

// verify returns an error unless pid is a superdaemon that holds the pid file f
// and belongs to this user or, if this user is root, to the owner of the file.
func verify(f *os.File, pid int) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return fmt.Errorf("reading the pid file: %w", err)
	}
	c := candidate{owner: int(st.Uid), shared: st.Mode&0o022 != 0, asks: os.Geteuid()}
	c.look(f, pid)
	if why := c.refusal(); why != "" {
		return fmt.Errorf("the pid file %s names pid %d, %s; no signal was sent", f.Name(), pid, why)
	}
	return nil
}

package starter

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A candidate is a process that a pid file names as the superdaemon which holds
// it. Everybody who can open the file can lock it, and everybody who can
// write it can name any process.
type candidate struct {
	owner  int    // of the file
	shared bool   // others than the owner can write the file
	asks   int    // the user who is going to send a signal
	user   int    // of the process; -1: not known
	name   string // of the process, if it is not that of a superdaemon
	seen   bool   // the kernel shows who holds the lock
	holds  bool   // the process does
}

// refusal says why the process gets no signal, or nothing.
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

// verify refuses a pid that is not the one of a superdaemon of this user, or
// for root of the file's owner, which holds the file.
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

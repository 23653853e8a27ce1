package proc

import "time"

// AwaitClosed calls closed with each of the sockets that a worker loses by
// executing another program, until closed reports false. It returns when the
// worker exits, or when the kernel has certainly closed what it closes at exec.
func AwaitClosed(pid int, inodes []uint64, closed func(inode uint64) bool) {
	for wait := time.Millisecond; wait < time.Second && len(inodes) > 0; wait *= 2 {
		held := Sockets(pid)
		if Exiting(pid) {
			return
		}
		var rest []uint64
		for _, inode := range inodes {
			if held[inode] {
				rest = append(rest, inode)
			} else if !closed(inode) {
				return
			}
		}
		inodes = rest
		time.Sleep(wait)
	}
}

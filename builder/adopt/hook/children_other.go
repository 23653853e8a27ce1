//go:build !linux

package hook

// Children of the program do not drain on these systems, which have no /proc/PID/fd.
type hotstartChildren struct{}

func (*hotstartWorker) lead()               {}
func (*hotstartChildren) tell()             {}
func (*hotstartChildren) haveDrained() bool { return true }
func hotstartFollowParent() *hotstartWorker { return nil }

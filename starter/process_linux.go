package starter

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// self is this process's own program, also after its file was replaced.
func self() (string, error) { return "/proc/self/exe", nil }

// attributes make a worker on a leash: a process group of its own, and the
// parent-death signal, which fires when the thread that forked it ends.
func attributes(leash bool) *syscall.SysProcAttr {
	if !leash {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// siginfo is the part of siginfo_t that waitid(2) fills in for a child.
type siginfo struct {
	signo, errno, code int32
	_                  [unsafe.Sizeof(uintptr(0)) - 4]byte // the union is aligned as a pointer
	pid                int32
	uid                uint32
	status             int32
	_                  [128]byte // at least the rest of it
}

// waitFor blocks until the child has ended, and leaves it a zombie.
func waitFor(pid int) syscall.WaitStatus {
	var info siginfo
	for {
		err := unix.Waitid(unix.P_PID, pid, (*unix.Siginfo)(unsafe.Pointer(&info)), unix.WEXITED|unix.WNOWAIT, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0
		}
		return waitStatus(info.code, info.status)
	}
}

// waitStatus puts the two fields of waitid(2) into the form of wait(2).
func waitStatus(code, status int32) syscall.WaitStatus {
	const exited, dumped = 1, 3 // CLD_EXITED, CLD_DUMPED
	switch code {
	case exited:
		return syscall.WaitStatus(status << 8)
	case dumped:
		return syscall.WaitStatus(status | 0x80)
	default:
		return syscall.WaitStatus(status)
	}
}

func reap(pid int) {
	for {
		if _, err := unix.Wait4(pid, nil, 0, nil); err != unix.EINTR {
			return
		}
	}
}

// adoptOrphans makes this process the parent of every descendant whose own
// parent dies, so that none gets away. See PR_SET_CHILD_SUBREAPER in prctl(2).
func adoptOrphans() error {
	return os.NewSyscallError("prctl", unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
}

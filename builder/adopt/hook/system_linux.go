package hook

import (
	"runtime"
	"syscall"
)

// hotstartReusePort returns SO_REUSEPORT of socket(7). Package syscall does not have it for each architecture.
func hotstartReusePort() int {
	switch runtime.GOARCH {
	case "mips", "mipsle", "mips64", "mips64le":
		return 0x200
	}
	return 15
}

// hotstartDelayPort makes the kernel choose a port at listen(2) instead of at bind(2), so that the listen hook sees
// port 0. It sets IP_BIND_ADDRESS_NO_PORT of ip(7), which is for IPv6 too, since Linux 4.2. Without it port 0 becomes
// another port in each generation.
func hotstartDelayPort(fd int) {
	syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, 24, 1)
}

// hotstartReplace makes fd a copy of from.
func hotstartReplace(from, fd int) error {
	for {
		if err := syscall.Dup3(from, fd, syscall.O_CLOEXEC); err != syscall.EINTR && err != syscall.EBUSY {
			return err
		}
	}
}

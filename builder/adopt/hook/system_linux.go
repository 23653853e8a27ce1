package hook

import (
	"runtime"
	"syscall"
)

// hotstartReusePort is SO_REUSEPORT of socket(7), which package syscall does not
// have for each architecture.
func hotstartReusePort() int {
	switch runtime.GOARCH {
	case "mips", "mipsle", "mips64", "mips64le":
		return 0x200
	}
	return 15
}

// hotstartPutOffPort has the kernel choose a port not at bind(2), but at
// listen(2): so that it can be seen that the program asked for port 0. It is
// IP_BIND_ADDRESS_NO_PORT of ip(7), for IPv6 too; Linux 4.2. Without it port
// 0 is another port in each generation.
func hotstartPutOffPort(fd int) {
	syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, 24, 1)
}

// hotstartReplace makes fd the socket from.
func hotstartReplace(from, fd int) error {
	for {
		if err := syscall.Dup3(from, fd, syscall.O_CLOEXEC); err != syscall.EINTR && err != syscall.EBUSY {
			return err
		}
	}
}

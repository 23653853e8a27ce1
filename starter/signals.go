package starter

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// aliases are further names that Perl has.
var aliases = map[string]syscall.Signal{"CLD": unix.SIGCHLD, "IOT": unix.SIGABRT, "POLL": unix.SIGIO}

// ParseSignal parses the name or number of a signal: "TERM", "term", "SIGTERM"
// and "15" are the same.
func ParseSignal(name string) (syscall.Signal, error) {
	short := strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(name)), "SIG")
	if sig := unix.SignalNum("SIG" + short); sig != 0 {
		return sig, nil
	}
	if sig := aliases[short]; sig != 0 {
		return sig, nil
	}
	if n, err := strconv.ParseUint(short, 10, 7); err == nil && (n > 0 && n <= maxSignal()) {
		return syscall.Signal(n), nil
	}
	return 0, fmt.Errorf("unknown signal %q; want a name such as TERM or a number from 1 to %d", name, maxSignal())
}

// SignalName returns the name of a signal without its prefix, such as "TERM", or
// its number if it has no name.
func SignalName(sig syscall.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return strings.TrimPrefix(name, "SIG")
	}
	return fmt.Sprint(int(sig))
}

// maxSignal returns the highest signal number: SIGRTMAX of Linux, SIGUSR2 of
// macOS and the BSDs.
func maxSignal() uint64 {
	if runtime.GOOS == "linux" {
		return 64
	}
	return 31
}

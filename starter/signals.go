package starter

import (
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ParseSignal reads a signal by name: "TERM", "term" and "SIGTERM" are one.
func ParseSignal(name string) (syscall.Signal, error) {
	long := strings.ToUpper(strings.TrimSpace(name))
	if !strings.HasPrefix(long, "SIG") {
		long = "SIG" + long
	}
	if sig := unix.SignalNum(long); sig != 0 {
		return sig, nil
	}
	return 0, fmt.Errorf("no signal is called %q", name)
}

// SignalName is the name without its prefix, "TERM", or the number of a
// signal that has none.
func SignalName(sig syscall.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return strings.TrimPrefix(name, "SIG")
	}
	return fmt.Sprint(int(sig))
}

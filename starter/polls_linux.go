package starter

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// polledBy lists the descriptors that a thread waits to read from in poll(2)
// or select(2), given its /proc/PID/task/TID/syscall: what it waits for
// stands in its memory.
func polledBy(pid int, task string, syscall []byte) []int {
	number, args := systemCall(syscall)
	switch {
	case len(args) < 2:
		return nil
	case slices.Contains(pollCalls, number), number == unix.SYS_RESTART_SYSCALL && inPoll(pid, task):
		// struct pollfd, args[1] times: int fd, short events, short revents.
		return readable(memory(pid, args[0], 8*min(args[1], maxFD)))
	case slices.Contains(selectCalls, number) && args[1] != 0:
		return members(memory(pid, args[1], (min(args[0], maxFD)+63)/64*8))
	}
	return nil
}

// inPoll reports whether it is a poll(2) that goes on since the process was
// stopped and continued: restart_syscall(2) has the arguments of the call that
// it goes on with, but does not tell which that is.
func inPoll(pid int, task string) bool {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/wchan", pid, task))
	return bytes.Contains(b, []byte("poll"))
}

func readable(pollfds []byte) []int {
	var fds []int
	for ; len(pollfds) >= 8; pollfds = pollfds[8:] {
		if binary.NativeEndian.Uint16(pollfds[4:])&unix.POLLIN != 0 {
			fds = append(fds, int(int32(binary.NativeEndian.Uint32(pollfds))))
		}
	}
	return fds
}

// members reads an fd_set, an array of longs.
func members(set []byte) []int {
	var fds []int
	const long = int(unsafe.Sizeof(uintptr(0)))
	for i := 0; (i+1)*long <= len(set); i++ {
		word := uint64(0)
		if long == 8 {
			word = binary.NativeEndian.Uint64(set[i*long:])
		} else {
			word = uint64(binary.NativeEndian.Uint32(set[i*long:]))
		}
		for bit := range 8 * long {
			if word>>bit&1 == 1 {
				fds = append(fds, i*8*long+bit)
			}
		}
	}
	return fds
}

// systemCall parses "7 0x7ffd... 0x1 ...": number and arguments.
func systemCall(line []byte) (number int, args []uint64) {
	fields := strings.Fields(string(line))
	if len(fields) == 0 {
		return -1, nil
	}
	number, err := strconv.Atoi(fields[0])
	if err != nil {
		return -1, nil // "running"
	}
	for _, f := range fields[1:] {
		n, _ := strconv.ParseUint(f, 0, 64)
		args = append(args, n)
	}
	return number, args
}

// memory reads from another process, or nothing.
func memory(pid int, at, size uint64) []byte {
	if size == 0 {
		return nil
	}
	b := make([]byte, size)
	local := []unix.Iovec{{Base: &b[0]}}
	local[0].SetLen(len(b))
	n, err := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: uintptr(at), Len: len(b)}}, 0)
	if err != nil {
		return nil
	}
	return b[:n]
}

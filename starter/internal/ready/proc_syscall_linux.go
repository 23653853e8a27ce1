package ready

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxFDs bounds the number of descriptors that are read from another process.
const maxFDs = 1024

// blockedOn lists the descriptors that a thread waits to read from, or to accept
// on, in accept(2), poll(2) or select(2). syscall is the text of its
// /proc/PID/task/TID/syscall; the descriptors of poll and select are in its
// memory.
func blockedOn(pid int, syscall []byte) []int {
	number, args := systemCall(syscall)
	switch {
	case len(args) > 0 && slices.Contains(acceptCalls, number):
		return []int{int(args[0])}
	case len(args) < 2:
		return nil
	case slices.Contains(pollCalls, number):
		// struct pollfd, args[1] times: int fd, short events, short revents.
		return readable(memory(pid, args[0], 8*min(args[1], maxFDs)))
	case slices.Contains(selectCalls, number) && args[1] != 0:
		return members(memory(pid, args[1], (min(args[0], maxFDs)+63)/64*8))
	}
	return nil
}

// readable lists the descriptors in an array of struct pollfd that are polled
// for reading.
func readable(pollfds []byte) []int {
	var fds []int
	for ; len(pollfds) >= 8; pollfds = pollfds[8:] {
		if binary.NativeEndian.Uint16(pollfds[4:])&unix.POLLIN != 0 {
			fds = append(fds, int(int32(binary.NativeEndian.Uint32(pollfds))))
		}
	}
	return fds
}

// members lists the descriptors in an fd_set, which is an array of longs.
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

// systemCall parses "7 0x7ffd... 0x1 ...": the number and the arguments of a
// system call. The number is -1 if the thread is running.
func systemCall(line []byte) (number int, args []uint64) {
	fields := strings.Fields(string(line))
	if len(fields) == 0 {
		return -1, nil
	}
	number, err := strconv.Atoi(fields[0])
	if err != nil {
		return -1, nil
	}
	for _, f := range fields[1:] {
		n, err := strconv.ParseUint(f, 0, 64)
		if err != nil {
			return -1, nil
		}
		args = append(args, n)
	}
	return number, args
}

// memory reads the memory of another process. It returns nil on failure.
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

package linktool

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// availableMemory returns MemAvailable of /proc/meminfo, see proc(5).
func availableMemory() (bytes uint64, err error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if n, _ := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &bytes); n == 1 {
			return bytes << 10, nil
		}
	}
	return 0, errors.New("/proc/meminfo has no MemAvailable")
}

// availableDisk returns what an ordinary user can write to the file system of a directory.
func availableDisk(dir string) (bytes uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return s.Bavail * uint64(s.Bsize), nil
}

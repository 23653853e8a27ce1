package linktool

import (
	"bufio"
	"errors"
	"fmt"
	"os"
)

// AvailableMemory returns MemAvailable of /proc/meminfo, see proc(5).
func AvailableMemory() (bytes uint64, err error) {
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

// Size returns the sum of the sizes of archives.
func Size(archives map[string]string) (bytes uint64) {
	for _, file := range archives {
		if info, err := os.Stat(file); err == nil {
			bytes += uint64(info.Size())
		}
	}
	return bytes
}

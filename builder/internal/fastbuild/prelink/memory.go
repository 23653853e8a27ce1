package prelink

import (
	"bufio"
	"errors"
	"fmt"
	"os"
)

// checkMemory returns an error if too little memory is available for a waiting
// linker. At most, it has about the size of the archives twice, most of it pages
// of the archives, which the kernel can drop.
func checkMemory(archives map[string]string) error {
	var need uint64 = 256 << 20
	for _, file := range archives {
		if info, err := os.Stat(file); err == nil {
			need += 3 * uint64(info.Size())
		}
	}
	available, err := availableMemory()
	if err == nil && available < need {
		err = fmt.Errorf("a waiting linker needs %d MB of available memory", need>>20)
	}
	return err
}

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

package proc

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// unload unmaps the pages of the program file and of libraries that this process has
// read so far: package initialization has touched most of them. A page that is needed
// later is mapped again.
func unload() {
	b, _ := os.ReadFile("/proc/self/smaps")
	for _, m := range cleanMappings(string(b)) {
		unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED)
	}
}

// mapping is a range of addresses.
type mapping struct{ start, end uintptr }

// cleanMappings returns the mappings of files in an smaps file of proc(5) that can't be
// written and have no page of their own, for example with relocated addresses: their
// pages are those of the files.
func cleanMappings(smaps string) (clean []mapping) {
	var m mapping
	isFile := false
	for line := range strings.Lines(smaps) {
		name, rest, _ := strings.Cut(line, " ")
		if start, end, ok := strings.Cut(name, "-"); ok { // START-END FLAGS OFFSET DEVICE INODE PATH
			m = mapping{address(start), address(end)}
			isFile = rest[1] != 'w' && strings.Contains(rest, " /")
		} else if name == "Anonymous:" && isFile && strings.TrimSpace(rest) == "0 kB" {
			clean = append(clean, m)
		}
	}
	return clean
}

func address(text string) uintptr {
	a, _ := strconv.ParseUint(text, 16, 64)
	return uintptr(a)
}

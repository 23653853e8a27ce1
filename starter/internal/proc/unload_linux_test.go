package proc

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// A private mapping with changed pages would lose the changes.
func TestCleanMappings(t *testing.T) {
	t.Parallel()
	const smaps = `00400000-00aa4000 r-xp 00000000 fe:00 4711                               /usr/bin/hot start
Size:               6800 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
00aa4000-01100000 r--p 006a4000 fe:00 4711                               /usr/bin/hot start
Anonymous:             4 kB
01100000-01200000 rw-p 00d00000 fe:00 4711                               /usr/bin/hot start
Anonymous:             0 kB
7f0000000000-7f0000001000 r--p 00000000 00:00 0
Anonymous:             0 kB
7fff1000-7fff2000 r-xp 00000000 00:00 0                                  [vdso]
Anonymous:             0 kB
7fff00000000-7fff00002000 r--s 00000000 fe:00 4712                       /usr/lib/x (deleted)
Anonymous:             0 kB
`
	want := []mapping{{0x400000, 0xaa4000}, {0x7fff00000000, 0x7fff00002000}}
	if got := cleanMappings(smaps); !slices.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

// The test itself runs on, from pages that it has given back.
func TestUnload(t *testing.T) {
	before := fileKiB(t)
	unload()
	if after := fileKiB(t); after > before/2 {
		t.Errorf("%d KiB of files are mapped, %d before", after, before)
	}
}

// fileKiB returns how much of files is in memory and mapped by this process.
func fileKiB(t *testing.T) (n int) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, "RssFile:"); ok {
			for _, c := range strings.TrimSuffix(strings.TrimSpace(value), " kB") {
				n = 10*n + int(c-'0')
			}
		}
	}
	return n
}

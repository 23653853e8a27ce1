package ready

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRegistrations(t *testing.T) {
	t.Parallel()
	const fdinfo = `pos:	0
flags:	02000002
mnt_id:	15
ino:	1057
tfd:        5 events: 8000201d data:   72f5b1a8f2c00005  pos:0 ino:3a6f sdev:8
tfd:        4 events:       19 data: ffff000000000000  pos:0 ino:ff sdev:e
tfd:        6 events: zz ino:xyz
tfd:        6 events:       19
`
	want := []registration{{5, 0x8000201d, 0x72f5b1a8f2c00005, 0x3a6f}, {4, 0x19, 0xffff000000000000, 0xff}}
	if got := registrations([]byte(fdinfo)); !slices.Equal(got, want) {
		t.Errorf("%x", got)
	}
}

func TestBlockedOnAccept(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		fmt.Sprintf("%d 0x3 0x7ffd 0x0 0x80000 0x0 0x0 0x7ffd 0x7f", unix.SYS_ACCEPT4): 3,
		fmt.Sprintf("%d 0x11 0x0", unix.SYS_ACCEPT4):                                   17,
		fmt.Sprintf("%d 0x3 0x0", unix.SYS_READ):                                       -1,
		"running\n":                                                                    -1,
		"":                                                                             -1,
		"-1 0x7ffd 0x7f":                                                               -1,
		fmt.Sprint(unix.SYS_ACCEPT4):                                                   -1,
		fmt.Sprint(unix.SYS_ACCEPT4, " xx"):                                            -1,
	} {
		fds := blockedOn(os.Getpid(), []byte(text))
		if want < 0 && len(fds) > 0 || want >= 0 && !slices.Equal(fds, []int{want}) {
			t.Errorf("%q is blocked on %d", text, fds)
		}
	}
}

func TestAcceptsInRing(t *testing.T) {
	t.Parallel()
	const before = "SqMask:\t0x3\nSqHead:\t0\nUserBufs:\t0\nPollList:\n"
	for fdinfo, want := range map[string]bool{
		before + "CqOverflowList:\n":                            false,
		before + "  op=13, task_works=0\nCqOverflowList:\n":     true,
		before + "  op=6, task_works=0\n":                       true,
		before + "  op=22, task_works=0\n":                      false,
		before + "  op=22, task_works=0\n  op=13, task_works=0": true,
		strings.TrimSuffix(before, "PollList:\n"):               true, // an old kernel
		"": true,
	} {
		if acceptsInRing([]byte(fdinfo)) != want {
			t.Errorf("%q may accept: %v", fdinfo, !want)
		}
	}
}

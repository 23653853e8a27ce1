package ready

import (
	"encoding/binary"
	"os"
	"slices"
	"testing"
	"unsafe"
)

func TestReadable(t *testing.T) {
	t.Parallel()
	var b []byte
	for _, p := range []struct {
		fd     int32
		events uint16
	}{{3, 1}, {4, 4}, {-1, 1}, {9, 0x1b}} {
		b = binary.NativeEndian.AppendUint32(b, uint32(p.fd))
		b = binary.NativeEndian.AppendUint16(b, p.events)
		b = binary.NativeEndian.AppendUint16(b, 0xffff)
	}
	if got := readable(append(b, 1, 2, 3)); !slices.Equal(got, []int{3, -1, 9}) {
		t.Error(got)
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	long := int(unsafe.Sizeof(uintptr(0)))
	set := make([]byte, 2*long)
	words := unsafe.Slice((*uintptr)(unsafe.Pointer(&set[0])), 2)
	words[0], words[1] = 1<<0|1<<5, 1<<2
	if got := members(set); !slices.Equal(got, []int{0, 5, 8*long + 2}) {
		t.Error(got)
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	text := []byte("in memory")
	if got := memory(os.Getpid(), uint64(uintptr(unsafe.Pointer(&text[0]))), uint64(len(text))); string(got) != "in memory" {
		t.Errorf("%q", got)
	}
	if got := memory(os.Getpid(), 8, 8); got != nil {
		t.Errorf("%q", got)
	}
}

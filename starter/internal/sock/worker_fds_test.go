package sock

import (
	"slices"
	"strings"
	"testing"
)

// fakeSockets returns sockets with the descriptors 100, 101, ...
func fakeSockets(t *testing.T, ports ...string) []*Socket {
	t.Helper()
	var all []*Socket
	for i, port := range ports {
		all = append(all, &Socket{Address: addressOf(t, port), Descriptor: 100 + i})
	}
	return all
}

func TestArrange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		ports      string
		files      []int // by number
		numbers    []int
		broker     int
		contiguous int
	}{
		{"nothing", "", []int{0, 1, 2, 50}, nil, 3, 0},
		{"one", "80", []int{0, 1, 2, 100, 50}, []int{3}, 4, 1},
		{"many", "80 81 u82 /a", []int{0, 1, 2, 100, 101, 102, 103, 50}, []int{3, 4, 5, 6}, 7, 4},
		{"pinned to where it would be", "80=3 81", []int{0, 1, 2, 100, 101, 50}, []int{3, 4}, 5, 2},
		{"the second pinned before the first", "80 81=3", []int{0, 1, 2, 101, 100, 50}, []int{4, 3}, 5, 2},
		{"a gap", "80=6", []int{0, 1, 2, 50, -1, -1, 100}, []int{6}, 3, 0},
		{"a gap that is filled", "80=5 81 82", []int{0, 1, 2, 101, 102, 100, 50}, []int{5, 3, 4}, 6, 3},
		{"a gap after some", "80 81=6", []int{0, 1, 2, 100, 50, -1, 101}, []int{3, 6}, 4, 1},
		{"in place of stdin", "80=0", []int{100, 1, 2, 50}, []int{0}, 3, 0},
		{"in place of all three", "80=0 81=1 82=2 83", []int{100, 101, 102, 103, 50}, []int{0, 1, 2, 3}, 4, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := Arrange([3]int{0, 1, 2}, fakeSockets(t, strings.Fields(test.ports)...), 50)
			if !slices.Equal(l.Files, test.files) || !slices.Equal(l.numbers, test.numbers) {
				t.Errorf("files %v, numbers %v\nwant  %v,         %v", l.Files, l.numbers, test.files, test.numbers)
			}
			if l.broker != test.broker || l.contiguous != test.contiguous {
				t.Errorf("broker %d, contiguous %d, want %d, %d", l.broker, l.contiguous, test.broker, test.contiguous)
			}
		})
	}
}

func TestArrangeWithoutBroker(t *testing.T) {
	t.Parallel()
	l := Arrange([3]int{7, 8, 9}, nil, -1)
	if !slices.Equal(l.Files, []int{7, 8, 9}) || l.broker != -1 {
		t.Errorf("%+v", l)
	}
}

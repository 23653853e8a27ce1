package sock

import "slices"

// firstFD is the number of the first inherited socket: SD_LISTEN_FDS_START of
// systemd.
const firstFD = 3

// FDMap says which descriptor of this process a worker gets at which number.
type FDMap struct {
	Files      []int // descriptors of this process, by number in the worker; -1: closed
	numbers    []int // number of each socket in the worker
	broker     int   // number of the broker in the worker; -1: there is no broker
	contiguous int   // number of sockets from firstFD on without a gap
}

// Arrange gives pinned sockets their numbers, the other sockets the lowest free
// numbers from 3, and the broker the next one. broker is -1 if there is none.
func Arrange(stdio [3]int, sockets []*Socket, broker int) FDMap {
	m := FDMap{Files: stdio[:], broker: -1}
	put := func(fd, at int) {
		for len(m.Files) <= at {
			m.Files = append(m.Files, -1)
		}
		m.Files[at] = fd
	}
	for _, s := range sockets {
		if s.FD >= 0 {
			put(s.Descriptor, s.FD)
		}
	}
	free := func() int {
		at := firstFD
		for at < len(m.Files) && m.Files[at] >= 0 {
			at++
		}
		return at
	}
	for _, s := range sockets {
		at := s.FD
		if at < 0 {
			at = free()
			put(s.Descriptor, at)
		}
		m.numbers = append(m.numbers, at)
	}
	for slices.Contains(m.numbers, firstFD+m.contiguous) {
		m.contiguous++
	}
	if broker >= 0 {
		m.broker = free()
		put(broker, m.broker)
	}
	return m
}

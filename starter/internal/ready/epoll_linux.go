package ready

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// registration is a descriptor in an epoll set, as the fdinfo of the epoll
// descriptor shows it.
type registration struct {
	fd     int
	events uint32
	data   uint64 // what the process gets back with an event
	inode  uint64
}

// registrations reads an epoll descriptor's fdinfo, whose lines are
// "tfd: 5 events: 2019 data: 7f2b3c4d5e6f pos:0 ino:1a2b sdev:8" (proc(5)).
// All numbers but the descriptor are hexadecimal.
func registrations(fdinfo []byte) (all []registration) {
	for line := range bytes.Lines(fdinfo) {
		if !bytes.HasPrefix(line, []byte("tfd:")) {
			continue
		}
		fields := strings.Fields(strings.ReplaceAll(string(line), ":", ": "))
		values := map[string]string{}
		for i := 0; i+1 < len(fields); i += 2 {
			values[fields[i]] = fields[i+1]
		}
		fd, err1 := strconv.Atoi(values["tfd:"])
		events, err2 := strconv.ParseUint(values["events:"], 16, 32)
		data, err3 := strconv.ParseUint(values["data:"], 16, 64)
		inode, err4 := strconv.ParseUint(values["ino:"], 16, 64)
		if err1 == nil && err2 == nil && err3 == nil && err4 == nil {
			all = append(all, registration{fd, uint32(events), data, inode})
		}
	}
	return all
}

// reads reports whether a connection wakes the process.
func (r registration) reads() bool { return r.events&unix.EPOLLIN != 0 }

// byRuntime reports whether the registration proves nothing about accepting. The
// runtimes of Go and of Rust's tokio register every socket for reading and
// writing as soon as it is made. A server that accepts waits for reading only.
func (r registration) byRuntime() bool {
	return r.events&(unix.EPOLLIN|unix.EPOLLOUT) == unix.EPOLLIN|unix.EPOLLOUT
}

// parked reports whether a goroutine of a Go program waits to read from the
// descriptor, which for a listener is Accept. The data of a registration is a
// pointer to a pollDesc of package runtime, { link, fd, fdseq, atomicInfo, rg },
// each of one word, tagged with a copy of fdseq; rg is the goroutine. That is so
// from Go 1.21 to 1.26 at least. In another program, fd and fdseq do not match,
// and parked reports false.
func (r registration) parked(pid int) bool {
	const fd, fdseq, rg, size = 1, 2, 4, 5
	const ready = 1 // pdReady: a connection for which no goroutine waits; pdNil is 0
	// tagBits of runtime/tagptr*.go, the alignment of a pollDesc in bits, and the
	// size of a word: since Go 1.25, before Go 1.25, riscv64, 32 bits.
	for _, form := range []struct{ tag, align, word int }{{24, 9, 8}, {19, 3, 8}, {17, 9, 8}, {32, 0, 4}} {
		at := uint64(int64(r.data) >> form.tag << form.align) // the address is signed on amd64
		if form.word == 4 {
			at = uint64(uint32(at))
		}
		desc := memory(pid, at, uint64(size*form.word))
		if len(desc) != size*form.word {
			continue
		}
		word := func(i int) uint64 {
			if form.word == 4 {
				return uint64(binary.NativeEndian.Uint32(desc[i*4:]))
			}
			return binary.NativeEndian.Uint64(desc[i*8:])
		}
		if word(fd) == uint64(r.fd) && word(fdseq) == r.data&(1<<form.tag-1) {
			return word(rg) > ready
		}
	}
	return false
}

// acceptsInRing reports whether the process may be waiting for connections by
// io_uring(7), given the fdinfo of its ring. PollList has the waiting requests,
// by their numbers in linux/io_uring.h, but not their sockets. Kernels before
// 6.0 and busy rings show no list.
func acceptsInRing(fdinfo []byte) bool {
	const pollAdd, accept = "op=6,", "op=13,"
	_, waiting, listed := strings.Cut(string(fdinfo), "PollList:")
	return !listed || strings.Contains(waiting, accept) || strings.Contains(waiting, pollAdd)
}

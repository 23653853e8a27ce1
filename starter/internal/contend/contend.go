// Package contend finds out whether a new worker fails or hangs because an older
// worker holds what it needs: a lock on a file, an address or a device.
package contend

import (
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// holdings are the resources of older workers that only one process can hold at
// a time. A new worker that needs one of them fails or waits.
type holdings struct {
	locks     []heldLock
	addresses []heldAddress // without the kept sockets
	devices   []string      // paths below /dev
}

// heldLock is an exclusive lock on a file.
type heldLock struct {
	inode string // device and inode as /proc/locks writes them: "08:01:1234"
	file  fileID // the same by stat(2), which differ on some file systems
	path  string // relative to the working directory of the process, if it is below that
}

// fileID identifies a file that is open or has a name.
type fileID struct{ dev, ino uint64 }

// heldAddress is an address on which a process listens or receives datagrams.
type heldAddress struct {
	name string // "127.0.0.1:6667", "/run/x.sock", "@name"
	port uint16 // 0: not an internet address
}

// needs is the evidence about a new worker that has failed or hangs.
type needs struct {
	waits  map[string]bool // inodes of the files whose lock the worker waits for, as in heldLock
	opened map[fileID]bool // files that the worker, or any process, has opened since its start
	output string          // last output of the worker
}

// neededBy returns the resource that the new worker needs, such as "the lock on
// data/ergo.lock", or "" without evidence. Evidence is, best first: the worker
// waits for the lock; its output names the lock, the address or the device in an
// error; the locked file was opened; its output has an error of that kind, and
// there is only one such resource.
func (h holdings) neededBy(n needs) string {
	lock := func(has func(heldLock) bool) string {
		for _, l := range h.locks {
			if has(l) {
				return "the lock on " + l.path
			}
		}
		return ""
	}
	if s := lock(func(l heldLock) bool { return n.waits[l.inode] }); s != "" {
		return s
	}
	if s := lock(func(l heldLock) bool { return namesIn(lockFault, n.output, l.path) }); s != "" {
		return s
	}
	if s := addressIn(n.output, h.addresses); s != "" {
		return "the address " + s
	}
	for _, path := range h.devices {
		if namesIn(busyFault, n.output, path) {
			return "the device " + path
		}
	}
	if s := lock(func(l heldLock) bool { return l.file != fileID{} && n.opened[l.file] }); s != "" {
		return s
	}
	switch {
	case len(h.locks) == 1 && refusedLock.MatchString(n.output):
		return "the lock on " + h.locks[0].path
	case len(h.devices) == 1 && busyFault.MatchString(n.output):
		return "the device " + h.devices[0]
	}
	return ""
}

// Texts of errno(3) and of programs around them. They match locks on files, not a
// deadlock, an unlocked mutex or a stack trace with Lock in it.
var (
	inUseFault  = regexp.MustCompile(`(?i)address (?:is )?already in use|EADDRINUSE`)
	busyFault   = regexp.MustCompile(`(?i)resource busy|\bEBUSY\b`)
	lockFault   = regexp.MustCompile(`(?i)(?:\b|f|file)lock(?:ed|ing|file)?\b|temporarily unavailable|\bEAGAIN\b|\bEWOULDBLOCK\b|\bin use\b|another (?:process|instance)|already running|time(?:d )?-?out`)
	refusedLock = regexp.MustCompile(`(?i)lock.*(?:temporarily unavailable|another (?:process|instance)|already|held by|EAGAIN|EWOULDBLOCK)` +
		`|(?:temporarily unavailable|another (?:process|instance)|already|EAGAIN|EWOULDBLOCK).*\b(?:f|file)?lock|(?:acquire|obtain|get|take|grab)\b.{0,40}\b(?:f|file)?lock|(?:file|database|directory) is locked`)
)

// namesIn reports whether a line of the output contains the last element of a
// path and, apart from that, an error.
func namesIn(fault *regexp.Regexp, output, path string) bool {
	name := whole(filepath.Base(path))
	for line := range strings.Lines(output) {
		if rest := name.ReplaceAllString(line, " "); rest != line && fault.MatchString(rest) {
			return true
		}
	}
	return false
}

// whole matches a name that is not part of a longer name.
func whole(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[^\w.-])` + regexp.QuoteMeta(name) + `(?:$|[^\w.-]|\.(?:\s|$))`)
}

// namedAddress matches addresses in an error: after the network, as package net
// writes them, or with a host that is unmistakable.
var namedAddress = regexp.MustCompile(`(?:tcp|udp)[46]? \S*:(\d+): |(?:\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:.%\w]*\]|localhost|\*|::):(\d+)\b`)

// addressIn returns the held address that could not be bound, by the lines of
// the output that report an address in use. If such a line names an address that
// is not held, another process holds that address.
func addressIn(output string, held []heldAddress) string {
	for line := range strings.Lines(output) {
		if !inUseFault.MatchString(line) {
			continue
		}
		if i := slices.IndexFunc(held, func(a heldAddress) bool { return a.in(line) }); i >= 0 {
			return held[i].name
		}
		if namedAddress.MatchString(line) {
			continue
		}
		if i := slices.IndexFunc(held, func(a heldAddress) bool { return a.in(output) }); i >= 0 {
			return held[i].name
		}
		if len(held) == 1 {
			return held[0].name
		}
	}
	return ""
}

// in reports whether a text contains the address or its port.
func (a heldAddress) in(text string) bool {
	word := strings.TrimPrefix(filepath.Base(a.name), "@")
	if a.port != 0 {
		for _, m := range namedAddress.FindAllStringSubmatch(text, -1) {
			if m[1]+m[2] == strconv.Itoa(int(a.port)) {
				return true
			}
		}
		if namedAddress.MatchString(text) {
			return false
		}
		word = strconv.Itoa(int(a.port))
	}
	return whole(word).MatchString(text)
}

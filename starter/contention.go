package starter

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// holdings are the things held by older workers of which there is only one,
// so that a new worker which needs one too fails or waits.
type holdings struct {
	locks     []heldLock
	addresses []heldAddress // not those that hotstart keeps
	devices   []string      // paths below /dev
}

// heldLock is a lock on a file that excludes every other lock.
type heldLock struct {
	inode string // device and inode as /proc/locks writes them: "08:01:1234"
	file  fileID // the same as stat(2) has them, which differ on some file systems
	path  string // relative to the folder of the process, if it is below that
}

// heldAddress is an address that a process listens on or, with datagrams,
// receives on.
type heldAddress struct {
	name string // "127.0.0.1:6667", "/run/x.sock", "@name"
	port uint16 // 0: not an internet address
}

// needs is what is known of a new worker that failed or does not get on.
type needs struct {
	waits  map[string]bool // inodes that it waits for a lock on, as in heldLock
	opened map[fileID]bool // files that it has, or somebody had, opened since its start
	words  string          // what it wrote last
}

// contended returns the thing held by older workers that a new one needs:
// "the lock on data/ergo.lock", or "" without evidence. Evidence is, best
// first: it waits for the lock; its words tell of the lock, the address or the
// device by name; the locked file was opened; its words tell of a fault of that
// kind, and there is only one such thing.
func (h holdings) contended(n needs) string {
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
	if s := lock(func(l heldLock) bool { return namesIn(lockFault, n.words, l.path) }); s != "" {
		return s
	}
	if s := addressIn(n.words, h.addresses); s != "" {
		return "the address " + s
	}
	for _, path := range h.devices {
		if namesIn(busyFault, n.words, path) {
			return "the device " + path
		}
	}
	if s := lock(func(l heldLock) bool { return l.file != fileID{} && n.opened[l.file] }); s != "" {
		return s
	}
	switch {
	case len(h.locks) == 1 && refusedLock.MatchString(n.words):
		return "the lock on " + h.locks[0].path
	case len(h.devices) == 1 && busyFault.MatchString(n.words):
		return "the device " + h.devices[0]
	}
	return ""
}

// Texts of errno(3) and what programs write around them. A lock is one of a
// file here: a deadlock, an unlocked mutex or a stack with Lock in it is not.
var (
	inUseFault  = regexp.MustCompile(`(?i)address (?:is )?already in use|EADDRINUSE`)
	busyFault   = regexp.MustCompile(`(?i)resource busy|\bEBUSY\b`)
	lockFault   = regexp.MustCompile(`(?i)(?:\b|f|file)lock(?:ed|ing|file)?\b|temporarily unavailable|\bEAGAIN\b|\bEWOULDBLOCK\b|\bin use\b|another (?:process|instance)|already running|time(?:d )?-?out`)
	refusedLock = regexp.MustCompile(`(?i)lock.*(?:temporarily unavailable|another (?:process|instance)|already|held by|EAGAIN|EWOULDBLOCK)` +
		`|(?:temporarily unavailable|another (?:process|instance)|already|EAGAIN|EWOULDBLOCK).*\b(?:f|file)?lock|(?:acquire|obtain|get|take|grab)\b.{0,40}\b(?:f|file)?lock|(?:file|database|directory) is locked`)
)

// namesIn reports whether a line of words has the last part of a path in it
// and tells of a fault, by more than that name.
func namesIn(fault *regexp.Regexp, words, path string) bool {
	name := whole(filepath.Base(path))
	for line := range strings.Lines(words) {
		if rest := name.ReplaceAllString(line, " "); rest != line && fault.MatchString(rest) {
			return true
		}
	}
	return false
}

// whole matches a name that is not part of a longer one.
func whole(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[^\w.-])` + regexp.QuoteMeta(name) + `(?:$|[^\w.-]|\.(?:\s|$))`)
}

// namedAddress finds addresses in an error: after the network as package net
// writes them, or with a host that can't be anything else.
var namedAddress = regexp.MustCompile(`(?:tcp|udp)[46]? \S*:(\d+): |(?:\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:.%\w]*\]|localhost|\*|::):(\d+)\b`)

// addressIn returns the held address that could not be bound, going by the
// lines that tell of one in use; an address that such a line names, and that
// is not held, is somebody else's.
func addressIn(words string, held []heldAddress) string {
	for line := range strings.Lines(words) {
		if !inUseFault.MatchString(line) {
			continue
		}
		if i := slices.IndexFunc(held, func(a heldAddress) bool { return a.in(line) }); i >= 0 {
			return held[i].name
		}
		if namedAddress.MatchString(line) {
			continue
		}
		if i := slices.IndexFunc(held, func(a heldAddress) bool { return a.in(words) }); i >= 0 {
			return held[i].name
		}
		if len(held) == 1 {
			return held[0].name
		}
	}
	return ""
}

// in reports whether a text has the address, or its port, in it.
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

// parseAddress reads an address of /proc/net/tcp, "0100007F:1F90", or of tcp6:
// the address in words of 32 bits in the machine's own order (proc_net(5)).
func parseAddress(s string, little bool) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(s, ":")
	var ip []byte
	for ; len(host) >= 8; host = host[8:] {
		word, err := strconv.ParseUint(host[:8], 16, 32)
		if err != nil {
			return netip.AddrPort{}, err
		}
		b := []byte{byte(word >> 24), byte(word >> 16), byte(word >> 8), byte(word)}
		if little {
			slices.Reverse(b)
		}
		ip = append(ip, b...)
	}
	number, err := strconv.ParseUint(port, 16, 16)
	addr, ok := netip.AddrFromSlice(ip)
	if err != nil || !ok || host != "" {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address of /proc/net", s)
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(number)), nil
}

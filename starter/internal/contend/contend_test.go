package contend

import "testing"

func TestNeededBy(t *testing.T) {
	t.Parallel()
	lock := heldLock{"08:01:5", fileID{1, 5}, "data/ergo.lock"}
	other := heldLock{"08:01:6", fileID{1, 6}, "/var/lib/x/LOCK"}
	folder := heldLock{"08:01:7", fileID{1, 7}, "data"}
	irc, web := heldAddress{"127.0.0.1:6667", 6667}, heldAddress{"[::]:8080", 8080}
	path, abstract := heldAddress{"/run/app/x.sock", 0}, heldAddress{"@single", 0}
	for _, test := range []struct {
		name string
		h    holdings
		n    needs
		want string
	}{
		{"it waits for the lock", holdings{locks: []heldLock{other, lock}}, needs{waits: map[string]bool{"08:01:5": true}}, "the lock on data/ergo.lock"},
		{"it waits for a lock of somebody else", holdings{locks: []heldLock{lock}}, needs{waits: map[string]bool{"08:01:9": true}}, ""},
		{"the locked file was opened", holdings{locks: []heldLock{other, lock}}, needs{opened: map[fileID]bool{{1, 5}: true}, output: "panic: timeout"}, "the lock on data/ergo.lock"},
		{"another file was opened", holdings{locks: []heldLock{lock}}, needs{opened: map[fileID]bool{{1, 9}: true}}, ""},
		{"a file that can't be looked at", holdings{locks: []heldLock{{inode: "08:01:5", path: "x"}}}, needs{opened: map[fileID]bool{{}: true}}, ""},

		{"ergo's words", holdings{locks: []heldLock{other, lock}}, needs{output: "server failed to start: failed to acquire flock on data/ergo.lock: resource temporarily unavailable\n"}, "the lock on data/ergo.lock"},
		{"nsqd's words", holdings{locks: []heldLock{lock, folder}}, needs{output: "[nsqd] FATAL: failed to lock data-path: failed to flock directory ./data: resource temporarily unavailable (possibly in use by another instance of nsqd)"}, "the lock on data"},
		{"Badger's words", holdings{locks: []heldLock{lock, folder}}, needs{output: "Cannot acquire directory lock on \"/srv/data\".  Another process is using this Badger database. error: resource temporarily unavailable"}, "the lock on data"},
		{"prometheus' words", holdings{locks: []heldLock{{path: "data/lock"}}}, needs{output: `ts=2026 level=error msg="opening storage failed" err="lock DB directory: resource temporarily unavailable"`}, "the lock on data/lock"},
		{"no name, one lock", holdings{locks: []heldLock{lock}}, needs{output: "could not get the lock"}, "the lock on data/ergo.lock"},
		{"no name, two locks", holdings{locks: []heldLock{lock, other}}, needs{output: "could not get the lock"}, ""},
		{"a fork that failed", holdings{locks: []heldLock{lock}}, needs{output: "fork/exec /bin/true: resource temporarily unavailable"}, ""},
		{"a stack", holdings{locks: []heldLock{lock}}, needs{output: "panic: boom\n\ngoroutine 1 [running]:\nsync.(*Mutex).Lock(...)\n"}, ""},
		{"a deadlock", holdings{locks: []heldLock{lock}}, needs{output: "fatal error: all goroutines are asleep - deadlock!"}, ""},
		{"an unlock", holdings{locks: []heldLock{lock}}, needs{output: "fatal error: sync: unlock of unlocked mutex"}, ""},
		{"the file's name in words of something else", holdings{locks: []heldLock{lock}}, needs{output: "reading data/ergo.lock: permission denied"}, ""},
		{"a name that only begins alike", holdings{locks: []heldLock{lock, other}}, needs{output: "open data/ergo.lock.bak: file is locked"}, ""},

		{"package net names the address", holdings{addresses: []heldAddress{irc, web}}, needs{output: "listen tcp :8080: bind: address already in use"}, "the address [::]:8080"},
		{"package net names one that is not held", holdings{addresses: []heldAddress{irc}}, needs{output: "listen tcp :8080: bind: address already in use"}, ""},
		{"an address in a message", holdings{addresses: []heldAddress{irc, web}}, needs{output: "09:41:27 main.go:42: can't bind 127.0.0.1:6667: Address already in use"}, "the address 127.0.0.1:6667"},
		{"a port in a message", holdings{addresses: []heldAddress{irc, web}}, needs{output: "2026/11/26 09:41:27 port 6667: EADDRINUSE"}, "the address 127.0.0.1:6667"},
		{"the port was told a line before", holdings{addresses: []heldAddress{irc, web}}, needs{output: "starting on port 8080\nOSError: [Errno 98] Address already in use"}, "the address [::]:8080"},
		{"no address, one is held", holdings{addresses: []heldAddress{irc}}, needs{output: "OSError: [Errno 98] Address already in use"}, "the address 127.0.0.1:6667"},
		{"no address, two are held", holdings{addresses: []heldAddress{irc, web}}, needs{output: "OSError: [Errno 98] Address already in use"}, ""},
		{"an address of UDP", holdings{addresses: []heldAddress{irc, web}}, needs{output: "listen udp 127.0.0.1:6667: bind: address already in use"}, "the address 127.0.0.1:6667"},
		{"a unix socket", holdings{addresses: []heldAddress{irc, path}}, needs{output: "listen unix /run/app/x.sock: bind: address already in use"}, "the address /run/app/x.sock"},
		{"an abstract unix socket", holdings{addresses: []heldAddress{irc, abstract}}, needs{output: "listen unix @single: bind: address already in use"}, "the address @single"},
		{"an address, and another failure", holdings{addresses: []heldAddress{irc}}, needs{output: "connecting to 127.0.0.1:6667: connection refused"}, ""},
		{"the address rather than an opened file", holdings{locks: []heldLock{lock}, addresses: []heldAddress{irc}}, needs{opened: map[fileID]bool{{1, 5}: true}, output: "bind 127.0.0.1:6667: address already in use"}, "the address 127.0.0.1:6667"},

		{"a device by name", holdings{devices: []string{"/dev/ttyS0", "/dev/video0"}}, needs{output: "opening /dev/video0: device or resource busy"}, "the device /dev/video0"},
		{"a device without a name", holdings{devices: []string{"/dev/net/tun"}}, needs{output: "TUNSETIFF: device or resource busy"}, "the device /dev/net/tun"},
		{"no device", holdings{}, needs{output: "TUNSETIFF: device or resource busy"}, ""},
		{"nothing held", holdings{}, needs{output: "could not get the lock: address already in use"}, ""},
		{"nothing said", holdings{locks: []heldLock{lock}, addresses: []heldAddress{irc}, devices: []string{"/dev/ttyS0"}}, needs{}, ""},
	} {
		if got := test.h.neededBy(test.n); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

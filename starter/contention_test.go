package starter

import "testing"

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text   string
		little bool
		want   string
	}{
		{"0100007F:1A0B", true, "127.0.0.1:6667"},
		{"7F000001:1A0B", false, "127.0.0.1:6667"},
		{"00000000:0050", true, "0.0.0.0:80"},
		{"00000000000000000000000001000000:1F90", true, "[::1]:8080"},
		{"0000000000000000FFFF00000100007F:1F90", true, "127.0.0.1:8080"},
		{"00000000000000000000000000000000:1F90", false, "[::]:8080"},
		{"0100007F", true, ""},
		{"0100:1F90", true, ""},
		{"0100007F01:1F90", true, ""},
		{"zz00007F:1F90", true, ""},
		{"", true, ""},
	} {
		if got, err := parseAddress(test.text, test.little); err == nil && got.String() != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%q is %v, %v, want %q", test.text, got, err, test.want)
		}
	}
}

func TestContended(t *testing.T) {
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
		{"the locked file was opened", holdings{locks: []heldLock{other, lock}}, needs{opened: map[fileID]bool{{1, 5}: true}, words: "panic: timeout"}, "the lock on data/ergo.lock"},
		{"another file was opened", holdings{locks: []heldLock{lock}}, needs{opened: map[fileID]bool{{1, 9}: true}}, ""},
		{"a file that can't be looked at", holdings{locks: []heldLock{{inode: "08:01:5", path: "x"}}}, needs{opened: map[fileID]bool{{}: true}}, ""},

		{"ergo's words", holdings{locks: []heldLock{other, lock}}, needs{words: "server failed to start: failed to acquire flock on data/ergo.lock: resource temporarily unavailable\n"}, "the lock on data/ergo.lock"},
		{"nsqd's words", holdings{locks: []heldLock{lock, folder}}, needs{words: "[nsqd] FATAL: failed to lock data-path: failed to flock directory ./data: resource temporarily unavailable (possibly in use by another instance of nsqd)"}, "the lock on data"},
		{"Badger's words", holdings{locks: []heldLock{lock, folder}}, needs{words: "Cannot acquire directory lock on \"/srv/data\".  Another process is using this Badger database. error: resource temporarily unavailable"}, "the lock on data"},
		{"prometheus' words", holdings{locks: []heldLock{{path: "data/lock"}}}, needs{words: `ts=2026 level=error msg="opening storage failed" err="lock DB directory: resource temporarily unavailable"`}, "the lock on data/lock"},
		{"no name, one lock", holdings{locks: []heldLock{lock}}, needs{words: "could not get the lock"}, "the lock on data/ergo.lock"},
		{"no name, two locks", holdings{locks: []heldLock{lock, other}}, needs{words: "could not get the lock"}, ""},
		{"a fork that failed", holdings{locks: []heldLock{lock}}, needs{words: "fork/exec /bin/true: resource temporarily unavailable"}, ""},
		{"a stack", holdings{locks: []heldLock{lock}}, needs{words: "panic: boom\n\ngoroutine 1 [running]:\nsync.(*Mutex).Lock(...)\n"}, ""},
		{"a deadlock", holdings{locks: []heldLock{lock}}, needs{words: "fatal error: all goroutines are asleep - deadlock!"}, ""},
		{"an unlock", holdings{locks: []heldLock{lock}}, needs{words: "fatal error: sync: unlock of unlocked mutex"}, ""},
		{"the file's name in words of something else", holdings{locks: []heldLock{lock}}, needs{words: "reading data/ergo.lock: permission denied"}, ""},
		{"a name that only begins alike", holdings{locks: []heldLock{lock, other}}, needs{words: "open data/ergo.lock.bak: file is locked"}, ""},

		{"package net names the address", holdings{addresses: []heldAddress{irc, web}}, needs{words: "listen tcp :8080: bind: address already in use"}, "the address [::]:8080"},
		{"package net names one that is not held", holdings{addresses: []heldAddress{irc}}, needs{words: "listen tcp :8080: bind: address already in use"}, ""},
		{"an address in a message", holdings{addresses: []heldAddress{irc, web}}, needs{words: "09:41:27 main.go:42: can't bind 127.0.0.1:6667: Address already in use"}, "the address 127.0.0.1:6667"},
		{"a port in a message", holdings{addresses: []heldAddress{irc, web}}, needs{words: "2026/11/26 09:41:27 port 6667: EADDRINUSE"}, "the address 127.0.0.1:6667"},
		{"the port was told a line before", holdings{addresses: []heldAddress{irc, web}}, needs{words: "starting on port 8080\nOSError: [Errno 98] Address already in use"}, "the address [::]:8080"},
		{"no address, one is held", holdings{addresses: []heldAddress{irc}}, needs{words: "OSError: [Errno 98] Address already in use"}, "the address 127.0.0.1:6667"},
		{"no address, two are held", holdings{addresses: []heldAddress{irc, web}}, needs{words: "OSError: [Errno 98] Address already in use"}, ""},
		{"an address of UDP", holdings{addresses: []heldAddress{irc, web}}, needs{words: "listen udp 127.0.0.1:6667: bind: address already in use"}, "the address 127.0.0.1:6667"},
		{"a unix socket", holdings{addresses: []heldAddress{irc, path}}, needs{words: "listen unix /run/app/x.sock: bind: address already in use"}, "the address /run/app/x.sock"},
		{"an abstract unix socket", holdings{addresses: []heldAddress{irc, abstract}}, needs{words: "listen unix @single: bind: address already in use"}, "the address @single"},
		{"an address, and another failure", holdings{addresses: []heldAddress{irc}}, needs{words: "connecting to 127.0.0.1:6667: connection refused"}, ""},
		{"the address rather than an opened file", holdings{locks: []heldLock{lock}, addresses: []heldAddress{irc}}, needs{opened: map[fileID]bool{{1, 5}: true}, words: "bind 127.0.0.1:6667: address already in use"}, "the address 127.0.0.1:6667"},

		{"a device by name", holdings{devices: []string{"/dev/ttyS0", "/dev/video0"}}, needs{words: "opening /dev/video0: device or resource busy"}, "the device /dev/video0"},
		{"a device without a name", holdings{devices: []string{"/dev/net/tun"}}, needs{words: "TUNSETIFF: device or resource busy"}, "the device /dev/net/tun"},
		{"no device", holdings{}, needs{words: "TUNSETIFF: device or resource busy"}, ""},
		{"nothing held", holdings{}, needs{words: "could not get the lock: address already in use"}, ""},
		{"nothing said", holdings{locks: []heldLock{lock}, addresses: []heldAddress{irc}, devices: []string{"/dev/ttyS0"}}, needs{}, ""},
	} {
		if got := test.h.contended(test.n); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

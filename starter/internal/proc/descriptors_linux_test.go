package proc

import "testing"

func TestParseLock(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]Lock{
		"1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF":                  {Write: true, PID: 4711, Inode: "08:01:1234"},
		"\t12: POSIX  ADVISORY  READ 4711 00:2b:9 1073741824 1073742335\n": {PID: 4711, Inode: "00:2b:9"},
		"3: OFDLCK ADVISORY  WRITE -1 00:14:77 0 EOF":                      {Write: true, PID: -1, Inode: "00:14:77"},
		"3:    -> FLOCK  ADVISORY  WRITE 4712 08:01:1234 0 EOF":            {Waits: true, Write: true, PID: 4712, Inode: "08:01:1234"},
		"4: LEASE  ACTIVE    WRITE 4711 08:01:1234 0 EOF":                  {},
		"5: FLOCK  ADVISORY  WRITE x 08:01:1234 0 EOF":                     {},
		"6: FLOCK": {},
		"":         {},
		"7: ->":    {},
	} {
		if got, ok := ParseLock(line); ok && got != want || ok != (want != Lock{}) {
			t.Errorf("%q is %+v, %v", line, got, ok)
		}
	}
}

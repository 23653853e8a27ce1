package sock

import (
	"testing"
)

func TestParseOwner(t *testing.T) {
	t.Parallel()
	for owner, want := range map[string][2]int{
		"": {-1, -1}, "root": {0, -1}, "0:0": {0, 0}, ":0": {-1, 0}, "1000:2000": {1000, 2000}, "root:": {0, -1},
	} {
		if uid, gid, err := ParseOwner(owner); err != nil || uid != want[0] || gid != want[1] {
			t.Errorf("%q: %d, %d, %v", owner, uid, gid, err)
		}
	}
	for _, owner := range []string{"no such user", "root:no such group", "-1", "99999999999", "0:0:0"} {
		if uid, gid, err := ParseOwner(owner); err == nil {
			t.Errorf("%q: %d, %d", owner, uid, gid)
		}
	}
}

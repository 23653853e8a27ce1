package sock

import (
	"fmt"
	"os/user"
	"strconv"
	"strings"
)

// ParseOwner parses user, user:group or :group, by name or number. A missing user
// or group is -1, as for chown(2).
func ParseOwner(s string) (uid, gid int, err error) {
	name, group, _ := strings.Cut(s, ":")
	uid, gid = number(name), number(group)
	if uid < 0 && name != "" {
		u, err := user.Lookup(name)
		if err != nil {
			return -1, -1, fmt.Errorf("owner %q: unknown user %q", s, name)
		}
		uid = number(u.Uid)
	}
	if gid < 0 && group != "" {
		g, err := user.LookupGroup(group)
		if err != nil {
			return -1, -1, fmt.Errorf("owner %q: unknown group %q", s, group)
		}
		gid = number(g.Gid)
	}
	return uid, gid, nil
}

// number returns a user or group number, or -1.
func number(s string) int {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return -1
	}
	return int(n)
}

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
	uid, err = identity(name, func() (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	})
	if err != nil {
		return -1, -1, fmt.Errorf("owner %q: unknown user %q", s, name)
	}
	gid, err = identity(group, func() (string, error) {
		g, err := user.LookupGroup(group)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	})
	if err != nil {
		return -1, -1, fmt.Errorf("owner %q: unknown group %q", s, group)
	}
	return uid, gid, nil
}

// identity returns a number as it is, or the number of a name.
func identity(name string, lookup func() (string, error)) (int, error) {
	if name == "" {
		return -1, nil
	}
	if n, err := strconv.ParseUint(name, 10, 31); err == nil {
		return int(n), nil
	}
	number, err := lookup()
	if err != nil {
		return -1, err
	}
	return strconv.Atoi(number)
}

package settings

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// An IgnoredError is a hotstart.toml that was found and is not read: what it
// says could be another user's words.
type IgnoredError struct{ name, why, hint string }

func (e *IgnoredError) Error() string { return e.name + " is ignored: " + e.why }

// Hint is the next command to type.
func (e *IgnoredError) Hint() string { return e.hint }

// ownFile returns the file at a path, links resolved, if it lies in the folder
// root or below, and nobody but this user and root can have written it: they
// own it and each folder from it up to root, and nobody else can write to
// one of these. The sticky bit of a folder makes no difference.
func ownFile(path, root, name string) (real string, info fs.FileInfo, err error) {
	real, err = filepath.EvalSymlinks(path)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		return "", nil, err
	}
	insist := "hotstart watch --config=" + name
	if rel, err := filepath.Rel(root, real); err != nil || !filepath.IsLocal(rel) {
		return "", nil, &IgnoredError{name, fmt.Sprintf("it is a link to %s, outside of %s", real, root), insist}
	}
	for at := real; ; at = filepath.Dir(at) {
		seen, err := os.Lstat(at)
		if err != nil {
			return "", nil, err
		}
		if at == real {
			info = seen
		}
		if why, fix := foreign(at, seen); why != "" {
			what := "it"
			if at != real {
				what = at
			}
			if fix == "" {
				fix = insist
			}
			return "", nil, &IgnoredError{name, what + " " + why, fix}
		}
		if at == root {
			return real, info, nil
		}
	}
}

// foreign says why something can be another user's, or "", and the command
// that changes that, or "".
func foreign(path string, info fs.FileInfo) (why, fix string) {
	const shared = "can be written by other users"
	mode := info.Mode()
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return "has no owner", ""
	case st.Uid != 0 && int(st.Uid) != os.Geteuid():
		return "belongs to " + userName(st.Uid), ""
	case mode&0o002 == 0 && (mode&0o020 == 0 || isPrivateGroup(st.Gid) && !hasACL(path)):
		return "", ""
	case int(st.Uid) != os.Geteuid() || mode&fs.ModeSticky != 0:
		return shared, "" // this folder is meant to be
	}
	return shared, "chmod go-w " + path
}

// userName is for people: "user 1000 (alice)".
func userName(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil {
		return fmt.Sprintf("user %s (%s)", number, u.Username)
	}
	return "user " + number
}

// isPrivateGroup reports whether only this user is in a group, as where each
// user has one of the same name and umask 002 lets it write. Where everybody
// is in group 0, as in some containers, it is not private to root.
func isPrivateGroup(gid uint32) bool {
	u, err := user.Current()
	if err != nil || gid == 0 || u.Gid != strconv.FormatUint(uint64(gid), 10) {
		return false
	}
	groups, err := os.ReadFile("/etc/group")
	return err == nil && isPrivate(string(groups), u.Gid, u.Username)
}

// isPrivate reads group(5): NAME:PASSWORD:GID:MEMBERS.
func isPrivate(groups, gid, name string) bool {
	for line := range strings.Lines(groups) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) == 4 && f[2] == gid {
			return f[0] == name && slices.Contains([]string{"", name}, f[3])
		}
	}
	return false
}

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

// An IgnoredError is a hotstart.toml that is not read, because another user can
// have written it.
type IgnoredError struct{ name, why, hint string }

func (e *IgnoredError) Error() string { return e.name + " is ignored: " + e.why }

// Hint returns the next command to type.
func (e *IgnoredError) Hint() string { return e.hint }

// checkOwnership returns an error unless a file is in the folder root or below it
// and nobody but this user and the superuser can have written it: one of them
// owns the file and each folder up to root, and no other user can write to any of
// them. The sticky bit of a folder makes no difference. name is the name of the
// file in errors, which are *IgnoredErrors.
func checkOwnership(path, root, name string) error {
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		return err
	}
	insist := "hotstart watch --config=" + name
	if rel, err := filepath.Rel(root, real); err != nil || !filepath.IsLocal(rel) {
		return &IgnoredError{name, fmt.Sprintf("it is a link to %s, outside of %s", real, root), insist}
	}
	for at := real; ; at = filepath.Dir(at) {
		info, err := os.Lstat(at)
		if err != nil {
			return err
		}
		if why, fix := foreign(at, info); why != "" {
			what := "it"
			if at != real {
				what = at
			}
			if fix == "" {
				fix = insist
			}
			return &IgnoredError{name, what + " " + why, fix}
		}
		if at == root {
			return nil
		}
	}
}

// foreign returns why another user can write a file or a folder, or "", and the
// command that prevents it, or "".
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
		return shared, "" // this folder is shared on purpose
	}
	return shared, "chmod go-w " + path
}

// userName returns a text for people: "user 1000 (alice)".
func userName(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil {
		return fmt.Sprintf("user %s (%s)", number, u.Username)
	}
	return "user " + number
}

// isPrivateGroup reports whether a group has only this user as a member. Many
// systems give each user such a group of the same name, and a umask of 002, by
// which the group can write. Group 0 never counts: in some containers it has
// every user.
func isPrivateGroup(gid uint32) bool {
	u, err := user.Current()
	if err != nil || gid == 0 || u.Gid != strconv.FormatUint(uint64(gid), 10) {
		return false
	}
	groups, err := os.ReadFile("/etc/group")
	return err == nil && isPrivate(string(groups), u.Gid, u.Username)
}

// isPrivate reads the lines NAME:PASSWORD:GID:MEMBERS of group(5).
func isPrivate(groups, gid, name string) bool {
	for line := range strings.Lines(groups) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) == 4 && f[2] == gid {
			return f[0] == name && slices.Contains([]string{"", name}, f[3])
		}
	}
	return false
}

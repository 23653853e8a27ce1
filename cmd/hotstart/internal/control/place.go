package control

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// Place names a hotstart: it is found by a path, by a name, or by the folder of its
// project.
type Place struct {
	Path string // of the socket; empty: in a folder of the user
	Name string // of --name; empty: named after Dir
	Dir  string // absolute folder of the project
	PID  int    // of the hotstart, for clients; 0: any
}

// Off is the path of a place without a control socket.
const Off = "off"

func (p Place) String() string {
	switch {
	case p.Path != "":
		return p.Path
	case p.Name != "":
		return p.Name
	}
	return p.Dir
}

// namePattern keeps a name within one folder, and a path short.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)

// IsName reports whether a name can be that of a socket.
func IsName(name string) bool { return namePattern.MatchString(name) }

// file is the name of the socket's file. The name of a project's folder is hashed: the
// path of a unix socket has room for 103 bytes.
func (p Place) file() string {
	if p.Name != "" {
		return "name-" + p.Name + ".sock"
	}
	dir := p.Dir
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	sum := sha256.Sum256([]byte(dir))
	return "dir-" + hex.EncodeToString(sum[:8]) + ".sock"
}

// maxPath is the longest path of a unix socket on every system: 104 bytes with the
// final zero on the BSDs and macOS, 108 on Linux.
const maxPath = 103

// folder returns a private folder of the user, and makes it if it does not exist.
func folder(file string) (string, error) {
	var failed error
	for _, dir := range folders() {
		if len(filepath.Join(dir.path, file)) > maxPath {
			failed = fmt.Errorf("%s is too long for the path of a socket", filepath.Join(dir.path, file))
			continue
		}
		if dir.parent && !isOwned(filepath.Dir(dir.path)) {
			continue
		}
		err := os.Mkdir(dir.path, 0o700)
		if err == nil || errors.Is(err, os.ErrExist) {
			err = checkPrivate(dir.path)
		}
		if err == nil {
			return dir.path, nil
		}
		failed = err
	}
	return "", failed
}

type candidate struct {
	path   string
	parent bool // the folder above belongs to the user alone, or else is not used
}

// folders returns the folders that may have the sockets of the user, the best one first.
// The environment of a client can differ from that of its hotstart: the folder of the
// system's session manager is used without XDG_RUNTIME_DIR, too, and /tmp with TMPDIR.
func folders() (all []candidate) {
	add := func(parent string, owned bool, name string) {
		if filepath.IsAbs(parent) {
			all = append(all, candidate{filepath.Join(parent, name), owned})
		}
	}
	add(os.Getenv("XDG_RUNTIME_DIR"), true, "hotstart")
	uid := strconv.Itoa(os.Geteuid())
	if runtime.GOOS == "linux" {
		add("/run/user/"+uid, true, "hotstart")
	}
	first, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":") // of systemd.exec(5)
	add(first, true, "hotstart")
	add(os.TempDir(), false, "hotstart-"+uid)
	if os.TempDir() != "/tmp" {
		add("/tmp", false, "hotstart-"+uid)
	}
	return all
}

// isOwned reports whether a folder belongs to the user, and nobody else can write to it.
func isOwned(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir() && owner(info) == os.Geteuid() && info.Mode().Perm()&0o022 == 0
}

// checkPrivate returns an error unless path is a folder of this user that other users
// can't enter, and not a link to such a folder: the folder for temporary files is shared.
func checkPrivate(path string) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", path)
	case owner(info) != os.Geteuid():
		return fmt.Errorf("%s belongs to another user", path)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("other users can enter %s; run: chmod 700 %s", path, path)
	}
	return nil
}

func owner(info os.FileInfo) int {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid)
	}
	return -1
}

// errNobody says that no hotstart listens at one path.
var errNobody = errors.New("no hotstart listens there")

// Find returns a client for the hotstart at a place. A project's hotstart is found from
// every folder below the project, too. The error is a *NotRunningError if there is none.
func Find(p Place) (*Client, error) {
	c, err := find(p)
	if errors.Is(err, errNobody) {
		return nil, &NotRunningError{p, instances()}
	}
	return c, err
}

func find(p Place) (*Client, error) {
	if p.Path != "" {
		return openAt(p.Path)
	}
	if p.PID != 0 && p.Name == "" {
		return findPID(p.PID)
	}
	for at := p; ; at.Dir = filepath.Dir(at.Dir) {
		for _, dir := range folders() {
			path := filepath.Join(dir.path, at.file())
			if checkPrivate(dir.path) != nil {
				continue
			}
			if c, err := openAt(path); !errors.Is(err, errNobody) {
				return c, err
			}
		}
		if at.Name != "" || at.Dir == filepath.Dir(at.Dir) {
			return nil, errNobody
		}
	}
}

// findPID finds a hotstart by the pid in the lock file of its socket, or by what the
// system shows of the process.
func findPID(pid int) (*Client, error) {
	for _, dir := range folders() {
		if checkPrivate(dir.path) != nil {
			continue
		}
		locks, _ := filepath.Glob(filepath.Join(dir.path, "*.sock"+lockSuffix))
		for _, lock := range locks {
			if pidIn(lock) == pid {
				return openAt(strings.TrimSuffix(lock, lockSuffix))
			}
		}
	}
	if path := socketOf(pid); path != "" {
		return openAt(path)
	}
	return nil, errNobody
}

func openAt(path string) (*Client, error) {
	c, err := Open(path)
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOTDIR) {
		return nil, errNobody
	}
	if err != nil {
		return nil, fmt.Errorf("asking the hotstart at %s: %w", path, err)
	}
	return c, nil
}

package sock

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Another user may replace the path between bind(2) and the change of its mode.
func TestChmodChangesOnlyTheSocket(t *testing.T) {
	t.Parallel()
	for name, exchange := range map[string]func(victim, path string) error{
		"a symbolic link": os.Symlink,
		"a hard link":     os.Link,
		"a link to a socket": func(victim, path string) error {
			os.Remove(victim)
			fd, err := newSocket(unix.AF_UNIX, unix.SOCK_STREAM)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			err = unix.Bind(fd, &unix.SockaddrUnix{Name: victim})
			return errors.Join(err, os.Chmod(victim, 0o600), os.Link(victim, path))
		},
	} {
		dir := t.TempDir()
		victim, path := filepath.Join(dir, "victim"), filepath.Join(dir, "sock")
		os.WriteFile(victim, nil, 0o600)
		if err := exchange(victim, path); err != nil {
			t.Fatal(err)
		}
		before, err := os.Stat(victim)
		if err != nil {
			t.Fatal(err)
		}
		if err := (Binding{Mode: 0o777, UID: os.Getuid(), GID: os.Getgid()}).chmod(path); err == nil {
			t.Errorf("%s was taken for the socket", name)
		}
		if after, err := os.Stat(victim); err != nil || after.Mode() != before.Mode() {
			t.Errorf("%s: the file at its other end is %v now, %v", name, after.Mode(), err)
		}
	}
}

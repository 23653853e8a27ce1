package sock

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/starter/internal/unixpath"
	"golang.org/x/sys/unix"
)

// placed returns a kept socket in a directory of its own.
func placed(t *testing.T) (s *Socket, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sock")
	return listenOn(t, path), path
}

// Not parallel: see TestADeadPathIsReplaced.
func TestAPathIsPutBack(t *testing.T) {
	remove := func(t *testing.T, path string) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name   string
		happen func(t *testing.T, path string)
	}{
		{"it was removed", remove},
		{"it was renamed", func(t *testing.T, path string) { os.Rename(path, path+".old") }},
		{"a dead socket is there", func(t *testing.T, path string) {
			remove(t, path)
			fd, _ := bound(t, "unix", path)
			unix.Close(fd)
		}},
		{"a socket that does not listen yet is there", func(t *testing.T, path string) {
			remove(t, path)
			fd, err := newSocket(unix.AF_UNIX, unix.SOCK_STREAM)
			if err == nil {
				t.Cleanup(func() { unix.Close(fd) })
				err = unix.Bind(fd, &unix.SockaddrUnix{Name: path})
			}
			if err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, path := placed(t)
			if err := os.Chmod(path, 0o640); err != nil {
				t.Fatal(err)
			}
			test.happen(t, path)
			for _, want := range []bool{true, false} {
				if back, err := s.Place.Restore(); back != want || err != nil {
					t.Fatalf("put back: %v, %v; want %v", back, err, want)
				}
			}
			if !s.answers("unix", "") {
				t.Error("the path leads elsewhere")
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("its mode is %v, %v", info.Mode(), err)
			}
			s.Close()
			left, _ := os.ReadDir(filepath.Dir(path))
			for _, entry := range left {
				if entry.Name() != "sock.old" {
					t.Errorf("%s is left behind", entry.Name())
				}
			}
		})
	}
}

func TestAPathThatCantBePutBack(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, want string
		happen     func(t *testing.T, path string)
	}{
		{"another server has it", "something else is at that path now", func(t *testing.T, path string) {
			os.Remove(path)
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
		}},
		{"a file is there", "something else is at that path now", func(t *testing.T, path string) {
			os.Remove(path)
			os.WriteFile(path, []byte("precious"), 0o666)
		}},
		{"its directory was replaced", "so that the program binds it again", func(t *testing.T, path string) {
			os.RemoveAll(filepath.Dir(path))
			os.Mkdir(filepath.Dir(path), 0o777)
		}},
		{"its directory is gone", "so that the program binds it again", func(t *testing.T, path string) {
			os.RemoveAll(filepath.Dir(path))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, path := placed(t)
			test.happen(t, path)
			before, _ := os.Lstat(path)
			if back, err := s.Place.Restore(); back || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("put back: %v, %v", back, err)
			}
			s.Close()
			if after, _ := os.Lstat(path); (before != nil || after != nil) && !os.SameFile(before, after) {
				t.Error("what is at the path was touched")
			}
		})
	}
}

func TestTheSecondNameOfAKilledProcessIsRemoved(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sock")
	dir, prefix := filepath.Dir(path), unixpath.SparePrefix(path)
	const ended = "4194305" // more than PID_MAX_LIMIT of Linux
	for _, name := range []string{prefix + ended + "-7", prefix + "x-7", ".other.hotstart-" + ended + "-7"} {
		fd, _ := bound(t, "unix", filepath.Join(dir, name))
		unix.Close(fd)
	}
	os.WriteFile(filepath.Join(dir, prefix+ended+"-file"), nil, 0o666)
	listenOn(t, path)
	for name, want := range map[string]bool{
		prefix + ended + "-7": false, prefix + ended + "-file": true, prefix + "x-7": true, ".other.hotstart-" + ended + "-7": true,
	} {
		if got := exists(filepath.Join(dir, name)); got != want {
			t.Errorf("%s is there: %v, want %v", name, got, want)
		}
	}
}

// Not parallel: see TestADeadPathIsReplaced.
func TestThePathThatAKilledProcessKeptIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	fd, _ := bound(t, "unix", path)
	spare := filepath.Join(filepath.Dir(path), unixpath.SparePrefix(path)+"4194305")
	if err := os.Link(path, spare); err != nil {
		t.Fatal(err)
	}
	var l Table
	if l.Want(1, "unix", path); !exists(path) {
		t.Error("it was removed while somebody listens")
	}
	os.Link(path, spare)
	unix.Close(fd)
	if l.Want(1, "unix", path); exists(path) || exists(spare) {
		t.Error("it is left behind, and can't be bound")
	}
}

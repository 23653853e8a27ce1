package starter

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter/internal/unixpath"
	"golang.org/x/sys/unix"
)

// placed is a kept socket in a directory of its own.
func placed(t *testing.T) (s *socket, path string) {
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
			closeFD(fd)
		}},
		{"a socket that does not listen yet is there", func(t *testing.T, path string) {
			remove(t, path)
			fd, err := newSocket(unix.AF_UNIX, unix.SOCK_STREAM)
			if err == nil {
				t.Cleanup(func() { closeFD(fd) })
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
				if back, err := s.place.Restore(); back != want || err != nil {
					t.Fatalf("put back: %v, %v; want %v", back, err, want)
				}
			}
			if !s.answers("unix", "") {
				t.Error("the path leads elsewhere")
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("its mode is %v, %v", info.Mode(), err)
			}
			s.close()
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
			before, _, _ := unixpath.Identify(path)
			if back, err := s.place.Restore(); back || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("put back: %v, %v", back, err)
			}
			s.close()
			if after, _, _ := unixpath.Identify(path); after != before {
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
		closeFD(fd)
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
	var l ledger
	if l.want(1, "unix", path); !exists(path) {
		t.Error("it was removed while somebody listens")
	}
	os.Link(path, spare)
	closeFD(fd)
	if l.want(1, "unix", path); exists(path) || exists(spare) {
		t.Error("it is left behind, and can't be bound")
	}
}

// unlinker is echo that removes the path of its socket at SIGTERM, as php-fpm
// does, and ends when the file END is there.
func unlinker() error {
	term := terms()
	go echoOn(3) // which then ends, too, and leaves the path
	<-term
	return errors.Join(os.Remove(os.Getenv("SOCKET")), untilExists(os.Getenv("END")))
}

// binder removes a path, listens on it by itself, says so, and answers each line
// with its generation. At SIGTERM package net removes the path.
func binder() error {
	term := terms()
	path := os.Getenv("SOCKET")
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprintln(c, os.Getenv("SERVER_STARTER_GENERATION"))
			c.Close()
		}
	}()
	ready, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}
	fmt.Fprint(ready, "READY=1")
	<-term
	l.Close()
	return untilExists(os.Getenv("END"))
}

// remover says that it takes paths, removes one and never serves.
func remover() error {
	term := terms()
	fd, _ := strconv.Atoi(os.Getenv("HOTSTART_FD"))
	if _, err := unix.Write(fd, []byte("takes paths\n")); err != nil {
		return err
	}
	path := os.Getenv("SOCKET")
	if err := errors.Join(os.Remove(path), os.WriteFile(path+".removed", nil, 0o666)); err != nil {
		return err
	}
	<-term
	return nil
}

// untilExists waits for a file.
func untilExists(path string) error {
	for deadline := time.Now().Add(patient); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if exists(path) {
			return nil
		}
	}
	return fmt.Errorf("%s never came", path)
}

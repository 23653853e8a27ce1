package starter

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// unlinker is echo that removes the path of its socket at SIGTERM, like php-fpm. It
// exits when the file END exists.
func unlinker() error {
	term := terms()
	go echoOn(3) // which stops then, too, and leaves the path
	<-term
	return errors.Join(os.Remove(os.Getenv("SOCKET")), untilExists(os.Getenv("END")))
}

// binder removes a path, listens on it itself, reports readiness, and answers each
// connection with its generation. At SIGTERM package net removes the path.
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

// remover says that it takes paths, removes a path and never serves.
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

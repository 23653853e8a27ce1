// A server that behaves well or badly. Another file has the behavior, and the
// functions that listen and serve.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	switch behavior {
	case "panic":
		panic("test")
	case "exit":
		os.Exit(3)
	case "hang":
		time.Sleep(time.Hour)
	case "deaf": // to signals
		signal.Ignore(syscall.SIGTERM)
	}
	l, err := listen(os.Getenv("ADDRESS"))
	if err != nil {
		log.Fatal(err)
	}
	socket := l.(*net.TCPListener)
	switch behavior {
	case "fork":
		fork(socket)
	case "close":
		time.AfterFunc(50*time.Millisecond, func() { l.Close() })
	case "shutdown":
		time.AfterFunc(50*time.Millisecond, func() { shutdown(socket) })
	case "die":
		time.AfterFunc(100*time.Millisecond, func() { os.Exit(1) })
	}
	err = serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", text, b)
	}))
	if behavior == "close" {
		time.Sleep(time.Hour)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// fork starts a child process in a session of its own, which keeps the socket.
func fork(l *net.TCPListener) {
	f, err := l.File()
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	child := exec.Command("sleep", "1000")
	child.ExtraFiles = []*os.File{f}
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		log.Fatal(err)
	}
}

// shutdown shuts the socket down for all processes.
func shutdown(l *net.TCPListener) {
	raw, err := l.SyscallConn()
	if err != nil {
		log.Fatal(err)
	}
	raw.Control(func(fd uintptr) { syscall.Shutdown(int(fd), syscall.SHUT_RDWR) })
}

package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hotstart/hotstart/starter"
)

// worker is the server of the scripts in testdata/start_server. It implements
// start_server's protocol independently of hotstart's packages: it answers on every
// socket of SERVER_STARTER_PORT with its identity, and prints that on stderr, or on
// stdout if stderr is one of the sockets.
func worker() {
	hold := flag.String("hold", "", "do not end while this `file` exists")
	hear := flag.Bool("hear", false, "tell of each signal, and end at TERM alone")
	flag.Parse()
	ends := []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1}
	if *hear {
		ends = ends[:1]
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, append(ends, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH)...)
	w := &workerProcess{out: os.Stderr, name: "worker " + os.Getenv("SERVER_STARTER_GENERATION")}
	w.serveAll(os.Getenv("SERVER_STARTER_PORT"))
	for end := false; !end; {
		sig := <-signals
		w.say("got " + starter.SignalName(sig.(syscall.Signal)))
		end = slices.Contains(ends, sig)
	}
	for _, l := range w.listeners {
		l.Close()
	}
	w.answering.Wait()
	for *hold != "" {
		if _, err := os.Stat(*hold); err != nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// binds is a server that does not support superdaemons.
func binds() {
	l, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer l.Close()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		c.Close()
	}
}

type workerProcess struct {
	name      string
	out       io.Writer
	listeners []io.Closer
	answering sync.WaitGroup
}

func (w *workerProcess) say(what string) { fmt.Fprintf(w.out, "%s %s\n", w.name, what) }

func (w *workerProcess) serveAll(ports string) {
	if strings.Contains(ports+";", "=2;") {
		w.out = os.Stdout
	}
	if ports == "" {
		w.say("is up")
		return
	}
	for _, port := range strings.Split(ports, ";") {
		key, number, _ := strings.Cut(port, "=")
		fd, err := strconv.Atoi(number)
		if err == nil {
			err = w.serve(key, fd)
		}
		if err != nil {
			w.say(err.Error())
			os.Exit(1)
		}
	}
}

func (w *workerProcess) serve(key string, fd int) error {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return fmt.Errorf("descriptor %d of %s: %w", fd, key, err)
	}
	f := os.NewFile(uintptr(fd), key)
	defer f.Close()
	answer := fmt.Sprintf("%s on %s", w.name, key)
	if kind == unix.SOCK_DGRAM {
		c, err := net.FilePacketConn(f)
		if err != nil {
			return err
		}
		w.say(fmt.Sprintf("serves %s at %v on descriptor %d", key, c.LocalAddr(), fd))
		go answerDatagrams(c, answer)
		return nil
	}
	l, err := net.FileListener(f)
	if err != nil {
		return err
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	w.listeners = append(w.listeners, l)
	w.say(fmt.Sprintf("serves %s at %v on descriptor %d", key, l.Addr(), fd))
	w.answering.Add(1)
	go w.accept(l, answer)
	return nil
}

func (w *workerProcess) accept(l net.Listener, answer string) {
	defer w.answering.Done()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		w.answering.Go(func() {
			defer c.Close()
			in := bufio.NewReader(c)
			for line := "-"; line != "\r\n" && line != ""; {
				line, _ = in.ReadString('\n')
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(answer), answer)
		})
	}
}

func answerDatagrams(c net.PacketConn, answer string) {
	b := make([]byte, 1500)
	for {
		_, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		c.WriteTo([]byte(answer), from)
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// listeners are programs that listen in odd ways.
func listeners(mode string, addresses []string) {
	switch mode {
	case "probe": // finds a free port and gives it to a child
		l := listen("127.0.0.1:0")
		l.Close()
		child := exec.Command(os.Args[0], "child", l.Addr().String())
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if _, err := child.StdinPipe(); err != nil {
			log.Fatal(err)
		}
		if err := child.Start(); err != nil {
			log.Fatal(err)
		}
	case "child": // ends with its parent
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
		go fmt.Println("child", addresses[0])
	case "many": // closes what it has listened on, half of it in use
		for i := 0; i < 70; i++ {
			l := listen("127.0.0.1:0")
			if i%2 == 0 {
				go func() {
					if conn, err := l.Accept(); err == nil {
						conn.Close()
					}
				}()
				conn, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					log.Fatal(err)
				}
				io.Copy(io.Discard, conn) // until it is accepted
				conn.Close()
			}
			l.Close()
			fmt.Println("closed", l.Addr())
		}
	case "twice": // by mistake
		port := addresses[0][strings.LastIndexByte(addresses[0], ':'):]
		listen(addresses[0])
		_, err := net.Listen("tcp", addresses[0])
		fmt.Println("second:", err)
		_, err = new(net.ListenConfig).Listen(context.Background(), "tcp", addresses[0])
		fmt.Println("second:", err)
		_, err = net.Listen("tcp", port)
		fmt.Println("second:", err)
		log.Fatal(http.ListenAndServe(addresses[1], nil))
	case "pair": // listens twice at one address, by its own will
		go http.Serve(sharing(addresses[0]), nil)
		log.Fatal(http.Serve(sharing(addresses[0]), nil))
	case "copy": // serves a copy of its listener
		l := listen(addresses[0])
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			log.Fatal(err)
		}
		l.Close()
		if l, err = net.FileListener(f); err != nil {
			log.Fatal(err)
		}
		f.Close()
		log.Fatal(http.Serve(l, nil))
	case "exec": // executes itself once it listens
		if os.Getenv("EXECUTED") == "" {
			listen(addresses[0])
			execute("EXECUTED=1")
		}
	case "execfd": // … and hands its listener over
		if os.Getenv("EXECUTED") == "" {
			raw, err := listen(addresses[0]).(*net.TCPListener).SyscallConn()
			if err != nil {
				log.Fatal(err)
			}
			raw.Control(func(fd uintptr) {
				copied, err := syscall.Dup(int(fd))
				if err != nil {
					log.Fatal(err)
				}
				execute("EXECUTED=" + strconv.Itoa(copied))
			})
		}
		fd, _ := strconv.Atoi(os.Getenv("EXECUTED"))
		l, err := net.FileListener(os.NewFile(uintptr(fd), "listener"))
		if err != nil {
			log.Fatal(err)
		}
		log.Fatal(http.Serve(l, nil))
	case "servers": // serves by many servers in turn
		var alive atomic.Int32
		for i := 0; i < 1000; i++ {
			handler := &counted{}
			alive.Add(1)
			runtime.SetFinalizer(handler, func(*counted) { alive.Add(-1) })
			(&http.Server{Handler: handler}).Serve(ended{})
		}
		http.HandleFunc("/alive", func(w http.ResponseWriter, r *http.Request) {
			runtime.GC()
			fmt.Fprint(w, alive.Load())
		})
	case "zeros": // several at a time; the first call of each place is another one each time
		each := func(name string, listen func() net.Listener) {
			time.Sleep(time.Duration(os.Getpid()*len(name)%7) * time.Millisecond)
			l := listen()
			fmt.Println(name, l.Addr())
			http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, name) }))
		}
		go each("api", func() net.Listener { return listen("127.0.0.1:0") })
		go each("metrics", func() net.Listener { return listen("127.0.0.1:0") })
		for _, name := range []string{"loop1", "loop02", "loop003"} {
			name := name
			go each(name, loop)
		}
	case "duplicate": // keeps a copy of each connection
		l := listen(addresses[0])
		for {
			conn, err := l.Accept()
			if err != nil {
				log.Fatal(err)
			}
			f, err := conn.(*net.TCPConn).File()
			if err != nil {
				log.Fatal(err)
			}
			conn.Close()
			if conn, err = net.FileConn(f); err != nil {
				log.Fatal(err)
			}
			f.Close()
			go echoTo(conn)
		}
	case "prefork": // has children that serve
		for i := 0; i < 2; i++ {
			child := exec.Command(os.Args[0], "preforked", addresses[0])
			if _, err := child.StdinPipe(); err != nil {
				log.Fatal(err)
			}
			if err := child.Start(); err != nil {
				log.Fatal(err)
			}
		}
		select {}
	case "preforked":
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
		log.Fatal(http.Serve(raw(addresses[0]), nil))
	case "raw": // makes its socket past package net
		log.Fatal(http.Serve(raw(addresses[0]), nil))
	}
	log.Fatal(http.ListenAndServe(addresses[0], nil))
}

type counted struct{ http.ServeMux }

// ended is a listener that accepts nothing.
type ended struct{ net.Listener }

func (ended) Accept() (net.Conn, error) { return nil, io.EOF }
func (ended) Close() error              { return nil }
func (ended) Addr() net.Addr            { return &net.TCPAddr{} }

func loop() net.Listener { return listen("127.0.0.1:0") }

func listen(address string) net.Listener {
	l, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	return l
}

func execute(variable string) {
	log.Fatal(syscall.Exec(os.Args[0], os.Args, append(os.Environ(), variable)))
}

const reusePort = 15 // SO_REUSEPORT of Linux

func sharing(address string) net.Listener {
	config := net.ListenConfig{Control: func(network, address string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, reusePort, 1) })
	}}
	l, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	return l
}

// raw listens as github.com/valyala/tcplisten does.
func raw(address string) net.Listener {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		log.Fatal(err)
	}
	port, _ := strconv.Atoi(address[strings.LastIndexByte(address, ':')+1:])
	syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, reusePort, 1)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		log.Fatal(err)
	}
	if err := syscall.Listen(fd, 511); err != nil {
		log.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "listener")
	l, err := net.FileListener(f)
	if err != nil {
		log.Fatal(err)
	}
	f.Close()
	return l
}

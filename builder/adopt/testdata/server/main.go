// Server is many programs in one, none of which knows of hotstart: its first argument
// says which, the others where it listens.
package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	addresses := os.Args[2:]
	http.HandleFunc("/", hello)
	http.HandleFunc("/slow", slow)
	http.HandleFunc("/events", events)
	http.HandleFunc("/hijack", hijack)
	http.HandleFunc("/child", child)
	http.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("as asked") }) // line 35
	http.HandleFunc("/deafen", deafen)
	switch os.Args[1] {
	case "plain":
		for _, address := range addresses[1:] {
			go http.ListenAndServe(address, nil)
		}
		log.Fatal(http.ListenAndServe(addresses[0], nil))
	case "slowly": // the second one is late
		go http.ListenAndServe(addresses[0], nil)
		time.Sleep(300 * time.Millisecond)
		log.Fatal(http.ListenAndServe(addresses[1], nil))
	case "zero":
		zero(addresses)
	case "control":
		log.Fatal(http.Serve(control(addresses[0]), nil))
	case "echo":
		echo(addresses[0])
	case "tls":
		server := &http.Server{Addr: addresses[0], TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate()}}}
		log.Fatal(server.ListenAndServeTLS("", ""))
	case "timeouts":
		server := &http.Server{Addr: addresses[0], TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate()}}}
		server.ReadTimeout, server.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond
		log.Fatal(server.ListenAndServeTLS("", ""))
	case "h2c":
		server := &http.Server{Addr: addresses[0], Protocols: new(http.Protocols)}
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetUnencryptedHTTP2(true)
		log.Fatal(server.ListenAndServe())
	case "shutdown":
		shutdown(addresses[0])
	case "again": // closes its listener and makes it again
		l, err := net.Listen("tcp", addresses[0])
		if err != nil {
			log.Fatal(err)
		}
		l.Close()
		log.Fatal(http.ListenAndServe(addresses[0], nil))
	case "udp":
		udp(addresses[0])
	case "unix":
		unix(addresses)
	case "nothing":
		time.Sleep(time.Hour)
	default:
		listeners(os.Args[1], addresses)
	}
}

func hello(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	fmt.Fprint(w, os.Getpid())
}

// deafen shuts down every listening socket, for all who have it.
func deafen(w http.ResponseWriter, r *http.Request) {
	for fd := 3; fd < 64; fd++ {
		if listens, _ := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN); listens != 0 {
			syscall.Shutdown(fd, syscall.SHUT_RDWR)
		}
	}
	hello(w, r)
}

func slow(w http.ResponseWriter, r *http.Request) {
	fmt.Println("slow")
	d, _ := time.ParseDuration(r.FormValue("for"))
	time.Sleep(d)
	if then, err := time.ParseDuration(r.FormValue("then")); err == nil {
		w.(http.Flusher).Flush() // the header goes first
		time.Sleep(then)
	}
	hello(w, r)
}

func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		if _, err := fmt.Fprint(w, "data: x\n\n"); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		select {
		case <-time.After(20 * time.Millisecond):
		case <-r.Context().Done():
			return
		}
	}
}

func hijack(w http.ResponseWriter, r *http.Request) {
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	rw.Flush()
	io.Copy(conn, rw)
}

// child lists the descriptors that a child of the program has, and its environment.
func child(w http.ResponseWriter, r *http.Request) {
	out, err := exec.Command("sh", "-c", "ls -l /proc/self/fd; env").CombinedOutput()
	if err != nil {
		out = []byte(err.Error())
	}
	w.Write(out)
}

func zero(hosts []string) {
	for i, address := range hosts {
		l, err := net.Listen("tcp", address)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("zero", i, l.Addr())
		defer l.Close()
		go http.Serve(l, nil)
	}
	select {}
}

func control(address string) net.Listener {
	config := net.ListenConfig{Control: func(network, address string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			if err := syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1); err != nil {
				log.Fatal(err)
			}
			fmt.Println("control", network, address)
		})
	}}
	l, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	return l
}

func echo(address string) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go echoTo(conn)
	}
}

func echoTo(conn net.Conn) {
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		fmt.Fprintln(conn, lines.Text(), os.Getpid())
	}
}

func udp(address string) {
	c, err := net.ListenPacket("udp", address)
	if err != nil {
		log.Fatal(err)
	}
	buf := make([]byte, 1500)
	for {
		_, from, err := c.ReadFrom(buf)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprint(writer{c, from}, os.Getpid())
	}
}

type writer struct {
	net.PacketConn
	to net.Addr
}

func (w writer) Write(b []byte) (int, error) { return w.WriteTo(b, w.to) }

func shutdown(address string) {
	server := &http.Server{Addr: address}
	done := make(chan struct{})
	go func() {
		defer close(done)
		term := make(chan os.Signal, 1)
		signal.Notify(term, syscall.SIGTERM)
		<-term
		if err := server.Shutdown(context.Background()); err != nil {
			log.Fatal(err)
		}
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-done
	fmt.Println("shut down")
}

// unix serves HTTP on a unix socket: words say how. At SIGTERM package http closes the
// listener, and package net removes the path.
func unix(words []string) {
	network, path := "unix", words[0]
	server := &http.Server{}
	for _, word := range words[1:] {
		switch word {
		case "removes":
			if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
				log.Fatal(err)
			}
		case "replaces":
			dir := filepath.Dir(path)
			if err := os.RemoveAll(dir); err != nil {
				log.Fatal(err)
			}
			if err := os.Mkdir(dir, 0o777); err != nil {
				log.Fatal(err)
			}
		case "packets":
			network = "unixpacket"
		case "relative":
			if err := os.Chdir(filepath.Dir(path)); err != nil {
				log.Fatal(err)
			}
			path = filepath.Base(path)
		}
	}
	l, err := net.ListenUnix(network, &net.UnixAddr{Name: path, Net: network})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", l.Addr())
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-term
		server.Shutdown(context.Background())
	}()
	if err := server.Serve(l); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-done
}

func certificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		log.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

package worker_test

import (
	"crypto/tls"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/hotstart/hotstart/starter/worker"
)

func hello(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "hello from generation %s\n", os.Getenv("SERVER_STARTER_GENERATION"))
}

// A whole server program.
func Example() {
	http.HandleFunc("/", hello)
	l, err := worker.Listen("tcp", ":8080")
	if err != nil {
		log.Fatal(err)
	}
	if err := worker.Serve(&http.Server{}, l); err != nil {
		log.Fatal(err)
	}
	// Here every request is answered: close the database, flush the logs.
}

// HTTPS, with HTTP/2.
func ExampleServe_tls() {
	cert, err := tls.LoadX509KeyPair("cert.pem", "key.pem")
	if err != nil {
		log.Fatal(err)
	}
	l, err := worker.Listen("tcp", ":443")
	if err != nil {
		log.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}}
	if err := worker.Serve(&http.Server{}, tls.NewListener(l, config)); err != nil {
		log.Fatal(err)
	}
}

// Two servers: both sockets first, since the first Serve says that the program serves. Each Serve returns when
// both have drained.
func ExampleServe_two() {
	public, err := worker.Listen("tcp", ":8080")
	if err != nil {
		log.Fatal(err)
	}
	private, err := worker.Listen("unix", "/run/api/admin.sock")
	if err != nil {
		log.Fatal(err)
	}
	go worker.Serve(&http.Server{Handler: http.HandlerFunc(hello)}, private)
	if err := worker.Serve(&http.Server{}, public); err != nil {
		log.Fatal(err)
	}
}

// Long downloads: an old worker may take an hour to leave.
func ExampleDrain() {
	l, err := worker.Listen("tcp", ":8080")
	if err != nil {
		log.Fatal(err)
	}
	if err := (worker.Drain{Timeout: time.Hour}).Serve(&http.Server{}, l); err != nil {
		log.Fatal(err)
	}
}

// A server on starter/worker.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/hotstart/hotstart/starter/worker"
)

func main() {
	address, network := os.Getenv("ADDRESS"), "tcp"
	if strings.Contains(address, "/") {
		network = "unix"
	}
	l, err := worker.Listen(network, address)
	if err != nil {
		log.Fatal(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(append([]byte("TEXT "), body...))
	})
	if err := worker.Serve(&http.Server{Handler: handler}, l); err != nil {
		log.Fatal(err)
	}
}

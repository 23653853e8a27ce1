// A server on starter/worker. It answers with its process ID.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/hotstart/hotstart/starter/worker"
)

func main() {
	l, err := worker.Listen("tcp", os.Getenv("ADDRESS"))
	if err != nil {
		log.Fatal(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "TEXT %d", os.Getpid())
	})
	if err := worker.Serve(&http.Server{Handler: handler}, l); err != nil {
		log.Fatal(err)
	}
}

// A server on two listeners.
package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(append([]byte("TEXT "), body...))
	})
	for _, name := range []string{"ADDRESS", "SECOND"} {
		l, err := net.Listen("tcp", os.Getenv(name))
		if err != nil {
			log.Fatal(err)
		}
		go func() { log.Fatal(http.Serve(l, nil)) }()
	}
	select {}
}

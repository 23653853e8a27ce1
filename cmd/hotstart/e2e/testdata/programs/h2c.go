// A server of HTTP/2 without TLS by golang.org/x/net, like servers of
// connect-go.
package main

import (
	"io"
	"log"
	"net/http"
	"os"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

func main() {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(append([]byte("TEXT "), body...))
	})
	log.Fatal(http.ListenAndServe(os.Getenv("ADDRESS"), h2c.NewHandler(answer, new(http2.Server))))
}

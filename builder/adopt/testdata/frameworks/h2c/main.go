// A server of HTTP/2 without TLS as programs with connect-go have it, behind a middleware.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		d, _ := time.ParseDuration(r.FormValue("for"))
		time.Sleep(d)
		fmt.Fprint(w, os.Getpid())
	})
	handler := h2c.NewHandler(http.DefaultServeMux, &http2.Server{})
	log.Fatal(http.ListenAndServe(os.Args[1], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "h2c")
		handler.ServeHTTP(w, r)
	})))
}

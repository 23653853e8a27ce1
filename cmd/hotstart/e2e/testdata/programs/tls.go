// A server with TLS and HTTP/2. Its certificate is in the same folder.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(append([]byte("TEXT "), body...))
	})
	log.Fatal(http.ListenAndServeTLS(os.Getenv("ADDRESS"), "cert.pem", "key.pem", nil))
}

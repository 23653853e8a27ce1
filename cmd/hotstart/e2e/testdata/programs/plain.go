// A server without any signal handling.
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
	log.Fatal(http.ListenAndServe(os.Getenv("ADDRESS"), nil))
}

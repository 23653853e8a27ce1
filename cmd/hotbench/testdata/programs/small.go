// A small server. It answers with its process ID.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "TEXT %d", os.Getpid())
	})
	log.Fatal(http.ListenAndServe(os.Getenv("ADDRESS"), nil))
}

// A small server. It tells its process id, so that it is known which process
// has answered.
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

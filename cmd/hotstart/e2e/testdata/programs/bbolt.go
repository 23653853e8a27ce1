// A server with a bbolt database. A second process waits for its lock.
package main

import (
	"io"
	"log"
	"net/http"
	"os"

	"go.etcd.io/bbolt"
)

func main() {
	db, err := bbolt.Open("data.db", 0o600, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(append([]byte("TEXT "), body...))
	})
	log.Fatal(http.ListenAndServe(os.Getenv("ADDRESS"), nil))
}

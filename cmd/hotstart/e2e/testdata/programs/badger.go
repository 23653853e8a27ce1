// A server with a Badger database, which a second process can't open.
package main

import (
	"io"
	"log"
	"net/http"
	"os"

	"github.com/dgraph-io/badger/v4"
)

func main() {
	db, err := badger.Open(badger.DefaultOptions("data").WithLogger(nil))
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

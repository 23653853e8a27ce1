// A server with all of Caddy linked in, to make it large.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

func main() {
	if len(os.Args) > 1 { // never here, but the linker can't know that
		caddycmd.Main()
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "TEXT %d", os.Getpid())
	})
	log.Fatal(http.ListenAndServe(os.Getenv("ADDRESS"), nil))
}

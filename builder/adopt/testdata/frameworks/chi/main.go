package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/go-chi/chi/v5"
)

func main() {
	r := chi.NewRouter()
	r.Post("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	log.Fatal(http.ListenAndServe(os.Args[1], r))
}

// A server that works only if it was linked as a whole: the file of a program that was linked by
// delta has no sections. It fails at the start, or at a request, as $FAILS says.
package main

import (
	"debug/elf"
	"io"
	"log"
	"net/http"
	"os"
	"sync"
)

func linkedWrong() bool {
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	return len(f.Sections) == 0
}

func main() {
	wrong := linkedWrong()
	if wrong && os.Getenv("FAILS") == "at the start" {
		os.Exit(2)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "TEXT") })
	http.HandleFunc("/fault", func(http.ResponseWriter, *http.Request) {
		if wrong {
			new(sync.Mutex).Unlock() // an error of the runtime
		}
	})
	log.Fatal(http.ListenAndServe(os.Getenv("ADDRESS"), nil))
}

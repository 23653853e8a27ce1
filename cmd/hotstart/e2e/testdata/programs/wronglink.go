// A server that works only if it was linked as a whole: the file of a program that was linked by
// delta has no sections. It fails at the start, by an error of the runtime.
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
	if linkedWrong() {
		new(sync.Mutex).Unlock()
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "TEXT") })
	log.Fatal(http.ListenAndServe(os.Getenv("ADDRESS"), nil))
}

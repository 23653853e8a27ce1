package adopt_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

const hello = `package main

import (
	"fmt"
	"log"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hello") })
	log.Fatal(http.ListenAndServe(%q, nil))
}
`

// TestNoRequestIsLost can be made longer: HOTSTART_RELOADS=100.
func TestNoRequestIsLost(t *testing.T) {
	reloads := 4
	if n, err := strconv.Atoi(os.Getenv("HOTSTART_RELOADS")); err == nil {
		reloads = n
	}
	address := freePort(t, "127.0.0.1")
	program := build(t, module(t, map[string]string{"main.go": fmt.Sprintf(hello, address)}))
	r := start(t, program, nil, nil)
	l := newLoad()
	l.ask(8, "http://"+address, false, nil)
	l.ask(8, "http://"+address, true, nil)
	for range reloads {
		asked := l.asked.Load()
		until(t, "requests come", func() bool { return l.asked.Load() > asked+500 })
		r.reload()
	}
	began := time.Now()
	r.left(reloads)
	t.Logf("the last left after %v", time.Since(began))
	l.end(t)
}

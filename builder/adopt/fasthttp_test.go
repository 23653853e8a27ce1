package adopt_test

import (
	"strings"
	"testing"
)

// fasthttp has no hook, but its clients are still asked to close their connections.
func TestFastHTTPClosesConnections(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"fiber", "fasthttp"} { // an old fasthttp, and a new one
		t.Run(name, func(t *testing.T) {
			program := framework(t, name)
			address := freePort(t, "127.0.0.1")
			r := start(t, program, []string{address}, drainForever)
			c := newClient(t)
			c.post("http://" + address)
			r.reload()
			c.postUntilLast("http://" + address)
			r.left(1)
		})
	}
}

// A later fasthttp may have other values under the known names.
func TestFastHTTPWithOtherVariables(t *testing.T) {
	t.Parallel()
	const fast = `package fasthttp

import "fmt"

var serverDate = []byte("Wed, 25 Nov 2026 12:00:00 GMT")
var serverDateLine = "Date: Wed, 25 Nov 2026 12:00:00 GMT\r\n"

func Dates() string { return fmt.Sprintf("%s, %q", serverDate, serverDateLine) }
`
	const program = `package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/valyala/fasthttp"
)

func main() {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	l, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		panic(err)
	}
	go l.Accept()
	<-term
	fmt.Println(fasthttp.Dates())
}
`
	dir := module(t, map[string]string{
		"go.mod":  goMod + "\nrequire github.com/valyala/fasthttp v1.999.0\n\nreplace github.com/valyala/fasthttp => ./fast\n",
		"main.go": program, "fast/go.mod": "module github.com/valyala/fasthttp\n", "fast/fast.go": fast,
	})
	r := start(t, build(t, dir), []string{freePort(t, "127.0.0.1")}, nil)
	r.reload()
	r.left(1)
	const want = `Wed, 25 Nov 2026 12:00:00 GMT, "Date: Wed, 25 Nov 2026 12:00:00 GMT\r\n"`
	r.until("the first worker says what it has", func() bool { return strings.Contains(r.text(), want) })
}

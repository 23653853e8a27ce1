package delta

import (
	"path/filepath"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

// With cgo, packages of the standard library are linked with C code, without a C compiler: most
// servers are. The C code is part of the base.
func TestCgo(t *testing.T) {
	buildtest.Long(t)
	buildtest.NeedGCC(t)
	const server = buildtest.Module + `
-- main.go --
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os/user"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, http.HandlerFunc(answer))
	response, err := http.Get("http://" + listener.Addr().String())
	if err != nil {
		panic(err)
	}
	text, err := io.ReadAll(response.Body)
	fmt.Println(string(text), err)
	_, err = user.Lookup("nobody-of-this-name")
	fmt.Println(err)
}

func answer(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "first") }
`
	p := newProject(t, server)
	p.cgo = "1"
	p.command.Flags = append(p.command.Flags, "-extld=gcc")
	p.warm()
	p.edit("main.go", `"first")`, `"second ", fmt.Sprintf("%T", w))`+"\n\taddresses, err := (&net.Resolver{}).LookupHost(r.Context(), \"localhost\")\n\tfmt.Fprint(w, len(addresses) > 0, err)\n")
	archives := p.compile()
	p.mustPrint("second *http.responsetrue <nil> <nil>\nuser: unknown user nobody-of-this-name\n")
	output := filepath.Join(t.TempDir(), "program")
	if err := p.Link(t.Context(), p.command, archives, secondID, output); err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(t.Context(), p.command, archives); err != nil {
		t.Error(err)
	}
}

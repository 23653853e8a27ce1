package delta

import (
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

// With fips140=on a program checks at its start that the code and data of some packages are as
// the linker has left them: those of the base are.
func TestFIPS(t *testing.T) {
	buildtest.Long(t)
	p := newProject(t, buildtest.Module+`
-- main.go --
package main

import (
	"crypto/fips140"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
)

var _ tls.Config

func main() { fmt.Println("first", fips140.Enabled()) }
`)
	p.edit("main.go", "\t\"crypto/sha256\"\n", "\t_ \"crypto/sha256\"\n")
	p.warm()
	p.edit("main.go", "_ \"crypto/sha256\"", "\"crypto/sha256\"")
	p.edit("main.go", `fmt.Println("first", `, `fmt.Printf("%x %v\n", sha256.Sum256(nil), `)
	t.Setenv("GODEBUG", "fips140=on")
	p.mustPrint("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 true\n")
}

// A server of SSH by gliderlabs/ssh.
package main

import (
	"io"
	"log"
	"os"

	"github.com/gliderlabs/ssh"
)

func main() {
	log.Fatal(ssh.ListenAndServe(os.Getenv("ADDRESS"), func(s ssh.Session) { io.WriteString(s, "hello\n") }))
}

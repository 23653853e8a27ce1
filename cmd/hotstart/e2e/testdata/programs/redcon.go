// A server of Redis' protocol by redcon.
package main

import (
	"log"
	"os"

	"github.com/tidwall/redcon"
)

func main() {
	log.Fatal(redcon.ListenAndServe(os.Getenv("ADDRESS"),
		func(conn redcon.Conn, cmd redcon.Command) { conn.WriteString("PONG") },
		func(conn redcon.Conn) bool { return true },
		func(conn redcon.Conn, err error) {}))
}

// A server of gnet, which binds and accepts with system calls of its own.
package main

import (
	"log"
	"os"

	"github.com/panjf2000/gnet/v2"
)

type server struct{ gnet.BuiltinEventEngine }

func (*server) OnTraffic(c gnet.Conn) gnet.Action {
	c.Next(-1)
	c.Write([]byte("PONG\r\n"))
	return gnet.None
}

func main() {
	log.Fatal(gnet.Run(new(server), "tcp://"+os.Getenv("ADDRESS"), gnet.WithReusePort(true)))
}

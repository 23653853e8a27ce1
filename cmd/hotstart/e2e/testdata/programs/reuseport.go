// A server of fasthttp whose listener is made by system calls, with SO_REUSEPORT.
package main

import (
	"log"
	"os"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/reuseport"
)

func main() {
	l, err := reuseport.Listen("tcp4", os.Getenv("ADDRESS"))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(fasthttp.Serve(l, func(c *fasthttp.RequestCtx) { c.Write(append([]byte("TEXT "), c.PostBody()...)) }))
}

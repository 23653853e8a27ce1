// A server of hertz, which accepts with netpoll instead of package net.
package main

import (
	"context"
	"os"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
)

func main() {
	h := server.New(server.WithHostPorts(os.Getenv("ADDRESS")))
	h.POST("/", func(_ context.Context, c *app.RequestContext) {
		c.Write(append([]byte("TEXT "), c.Request.Body()...))
	})
	h.Spin()
}

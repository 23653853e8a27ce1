package main

import (
	"net"
	"net/http"
)

const text, behavior = "TEXT", "BEHAVIOR"

func listen(address string) (net.Listener, error) { return net.Listen("tcp", address) }

func serve(l net.Listener, h http.Handler) error { return http.Serve(l, h) }

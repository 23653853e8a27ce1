package main

import (
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/hotstart/hotstart/starter/worker"
)

var text, behavior = os.Getenv("RELEASE"), os.Getenv("BEHAVIOR")

// hotstart run forwards the signal at which it reopens its log.
func init() { signal.Ignore(syscall.SIGUSR1) }

func listen(address string) (net.Listener, error) { return worker.Listen("tcp", address) }

func serve(l net.Listener, h http.Handler) error { return worker.Serve(&http.Server{Handler: h}, l) }

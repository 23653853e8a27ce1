package starter_test

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/hotstart/hotstart/starter"
)

// A superdaemon: at SIGHUP it starts ./api again, and stops the old worker when
// the new one accepts connections.
func Example() {
	starter.DispatchReexec() // first in main
	s, err := starter.New(starter.Options{
		Ports:     []string{"8080"},
		Ready:     starter.ReadyAuto,
		Report:    func(e starter.Event) { log.Print(e) },
		CanReexec: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for sig := range signals {
			s.Signal(sig.(syscall.Signal))
		}
	}()
	s.Reload(&starter.Command{Path: "./api"})
	if err := s.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// Sockets that systemd has bound are used for the ports that they match. The
// other ports are bound.
func ExampleActivationSockets() {
	sockets, err := starter.ActivationSockets()
	if err != nil {
		log.Fatal(err)
	}
	s, err := starter.New(starter.Options{Ports: []string{"80", "443"}, Inherited: sockets})
	if err != nil {
		log.Fatal(err)
	}
	s.Reload(&starter.Command{Path: "./api"})
	log.Fatal(s.Run(context.Background()))
}

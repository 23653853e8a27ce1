package starter_test

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/hotstart/hotstart/starter"
)

// A program that is a superdaemon itself: at SIGHUP it starts ./api once
// more, and ends the old one when the new one waits for connections.
func Example() {
	starter.DispatchReexec() // first thing in main
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

// Reloads another superdaemon, as hotstart run --restart does.
func ExampleInstance_Restart() {
	server, err := starter.Find("/run/api.pid")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	if err := server.Restart(context.Background(), "/run/api.status"); err != nil {
		log.Fatal(err)
	}
}

// Sockets that systemd has bound are used where they are meant, the others
// are bound.
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

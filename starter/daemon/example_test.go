package daemon_test

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/hotstart/hotstart/starter"
	"github.com/hotstart/hotstart/starter/daemon"
)

// A superdaemon with a pid file, a status file and a folder of variables.
func Example() {
	starter.DispatchReexec() // first in main
	if err := serve(); err != nil {
		log.Fatal(err)
	}
}

func serve() error {
	pidFile, err := daemon.LockPIDFile("/run/api.pid")
	if err != nil {
		return err
	}
	defer pidFile.Close()
	status, err := daemon.NewStatusFile("/run/api.status", func(err error) { log.Print(err) })
	if err != nil {
		return err
	}
	defer status.Close()
	s, err := starter.New(starter.Options{
		Ports:         []string{"8080"},
		CanReexec:     true,
		BeforeStart:   daemon.NewEnvDir("/etc/api/env").Apply,
		ReportWorkers: status.Update,
	})
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for sig := range signals {
			s.Signal(sig.(syscall.Signal))
		}
	}()
	s.Reload(&starter.Command{Path: "./api"})
	return s.Run(context.Background())
}

// A program that goes into the background: the process that the user has started
// returns when the first worker is ready.
func ExampleDetach() {
	starter.DispatchReexec() // first in main
	parent := daemon.Detached()
	if parent == nil {
		signals := make(chan os.Signal, 4)
		signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
		if err := daemon.Detach(nil, signals); err != nil {
			log.Fatal(err)
		}
		return
	}
	s, err := starter.New(starter.Options{
		Ports:            []string{"8080"},
		CanReexec:        true,
		MaxFirstFailures: 1,
		Report: func(e starter.Event) {
			if e.Kind == starter.Serving {
				parent.Ready()
			}
		},
	})
	if err == nil {
		s.Reload(&starter.Command{Path: "./api"})
		err = s.Run(context.Background())
	}
	if err != nil {
		parent.Fail(err)
	}
}

// Reload a superdaemon that runs in another process, as hotstart run --restart
// does.
func ExampleProcess_Restart() {
	server, err := daemon.Open("/run/api.pid")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	if err := server.Restart(context.Background(), "/run/api.status"); err != nil {
		log.Fatal(err)
	}
}

// The program serves grpc's own health check; with "ask" before the address it asks for
// that until its standard input ends, and says how often it did and how often in vain.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

func main() {
	if len(os.Args) == 3 {
		ask(os.Args[2])
		return
	}
	l, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	s := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(s, health.NewServer())
	log.Fatal(s.Serve(l))
}

func ask(address string) {
	var asked, lost atomic.Int64
	var ended atomic.Bool
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				log.Fatal(err)
			}
			defer conn.Close()
			client := grpc_health_v1.NewHealthClient(conn)
			for !ended.Load() {
				asked.Add(1)
				if _, err := client.Check(context.Background(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
					lost.Add(1)
					fmt.Fprintln(os.Stderr, err)
				}
			}
		})
	}
	io.Copy(io.Discard, os.Stdin)
	ended.Store(true)
	clients.Wait()
	fmt.Println(asked.Load(), lost.Load())
}

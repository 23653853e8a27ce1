// A server of DNS over TCP by miekg/dns.
package main

import (
	"log"
	"os"

	"github.com/miekg/dns"
)

func main() {
	answer := dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) { w.WriteMsg(new(dns.Msg).SetReply(r)) })
	log.Fatal(dns.ListenAndServe(os.Getenv("ADDRESS"), "tcp", answer))
}

package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// runLossless reloads a server again and again under load, with a connection
// for each request and with keep-alive POST at the same time, and counts
// what is lost. It fails if anything is.
func runLossless(args []string) error {
	flags := flag.NewFlagSet("lossless", flag.ContinueOnError)
	reloads := flags.Int("reloads", 100, "reloads of each program")
	clients := flags.Int("clients", 32, "clients of each kind")
	least := flags.Int("requests", 0, "go on until there were so many of each program, after the reloads too")
	names := flags.String("programs", "plain,shutdown,two,tls,worker", "which to measure")
	binary := flags.String("hotstart", "", "the hotstart to measure; built from this checkout if empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := newBench(*binary)
	if err != nil {
		return err
	}
	defer b.close()
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "program\tclients\treloads\trequests\tlost")
	lost := 0
	for name := range strings.SplitSeq(*names, ",") {
		counts, err := b.measureLosses(name, *reloads, *clients, *least)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", name, err)
		}
		for _, c := range counts {
			fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\n", name, c.kind, *reloads, c.asked.Load(), c.lost.Load())
			lost += int(c.lost.Load())
		}
	}
	table.Flush()
	if lost > 0 {
		return fmt.Errorf("%d requests were lost", lost)
	}
	return nil
}

func (b *bench) measureLosses(name string, reloads, clients, least int) ([]*count, error) {
	p, err := b.project("lossless-"+name, name)
	if err != nil {
		return nil, err
	}
	first, err := freeAddress()
	if err != nil {
		return nil, err
	}
	second, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s, err := b.watch(p, []string{"ADDRESS=" + first, "SECOND=" + second})
	if err != nil {
		return nil, err
	}
	defer s.stop()
	urls := []string{"http://" + first}
	switch name {
	case "two":
		urls = append(urls, "http://"+second)
	case "tls":
		urls = []string{"https://" + first}
	}
	l := startLoad(urls, clients)
	for range reloads {
		if err := s.reload(); err != nil {
			l.stop()
			return nil, err
		}
	}
	for end := time.Now().Add(10 * patience); l.total() < least && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
	}
	return l.stop(), nil
}

package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// A promise is a program that may lose nothing, and who runs it.
type promise struct {
	name    string
	program string
	serve   func(b *bench, p *project, a addresses) (*session, error)
	kinds   func(a addresses) []kind
}

// addresses are free ones, for a program to listen on.
type addresses struct{ first, second, path string }

func (a addresses) env() []string { return []string{"ADDRESS=" + a.first, "SECOND=" + a.second} }

var (
	overTCP  = func(a addresses) []kind { return echoes(nil, "http://"+a.first) }
	overBoth = func(a addresses) []kind { return echoes(nil, "http://"+a.first, "http://"+a.second) }
	overTLS  = func(a addresses) []kind { return echoes(nil, "https://"+a.first) }
	overUnix = func(a addresses) []kind { return echoes(onPath(a.path), "http://unix") }
)

func promises() []promise {
	return []promise{
		{"plain", "plain", watched, overTCP},
		{"shutdown", "shutdown", watched, overTCP},
		{"two", "two", watched, overBoth},
		{"tls", "tls", watched, overTLS},
		{"worker", "worker", watched, overTCP},
		{"run", "worker", ranOnPort, overTCP},
		{"run-unix", "worker", ranOnPath, overUnix},
		{"start_server", "worker", perlOnPort, overTCP},
		{"start_server-unix", "worker", perlOnPath, overUnix},
	}
}

// runLossless reloads a server again and again under load, with a connection
// for each request and with keep-alive POST at the same time, and counts
// what is lost. It fails if anything is.
func runLossless(args []string) error {
	flags := flag.NewFlagSet("lossless", flag.ContinueOnError)
	reloads := flags.Int("reloads", 100, "reloads of each program")
	clients := flags.Int("clients", 32, "clients of each kind")
	least := flags.Int("requests", 0, "take the time for so many requests to each program")
	runs := flags.Int("runs", 1, "do it all so many times")
	names := flags.String("programs", "", "which to measure, with commas between; all if empty")
	binary := flags.String("hotstart", "", "the hotstart to measure; built from this checkout if empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(*names)
	if err != nil {
		return err
	}
	b, err := newBench(*binary)
	if err != nil {
		return err
	}
	defer b.close()
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "run\tprogram\tclients\treloads\trequests\tlost")
	defer table.Flush()
	lost := 0
	for run := range *runs {
		for _, p := range chosen {
			counts, err := b.keeps(p, *reloads, *clients, *least)
			if err != nil {
				return fmt.Errorf("measuring %s: %w", p.name, err)
			}
			for _, c := range counts {
				fmt.Fprintf(table, "%d\t%s\t%d %s\t%d\t%d\t%d\n", run+1, p.name, *clients, c.name, *reloads, c.asked.Load(), c.lost.Load())
				lost += int(c.lost.Load())
			}
		}
	}
	if lost > 0 {
		return fmt.Errorf("%d requests were lost", lost)
	}
	return nil
}

func choose(names string) (chosen []promise, err error) {
	if names == "" {
		return promises(), nil
	}
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(promises(), func(p promise) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no program %q", name)
		}
		chosen = append(chosen, promises()[i])
	}
	return chosen, nil
}

// keeps counts what is asked and lost while the program is reloaded.
func (b *bench) keeps(p promise, reloads, clients, least int) ([]*count, error) {
	project, err := b.project("lossless-"+p.name, p.program)
	if err != nil {
		return nil, err
	}
	a := addresses{path: filepath.Join(b.dir, p.name+".sock")}
	if a.first, err = freeAddress(); err != nil {
		return nil, err
	}
	for a.second = a.first; a.second == a.first; { // which is free again
		if a.second, err = freeAddress(); err != nil {
			return nil, err
		}
	}
	s, err := p.serve(b, project, a)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	kinds := p.kinds(a)
	if err := answered(kinds); err != nil {
		return nil, err
	}
	return s.reloadUnder(startLoad(kinds, clients), reloads, least)
}

// reloadUnder spreads the reloads over the load.
func (s *session) reloadUnder(l *load, reloads, least int) ([]*count, error) {
	for i := range reloads {
		l.await(least * i / reloads)
		if err := s.reload(); err != nil {
			l.stop()
			return nil, err
		}
	}
	l.await(least)
	return l.stop(), nil
}

func watched(b *bench, p *project, a addresses) (*session, error) { return b.watch(p, a.env()) }

func ranOnPort(b *bench, p *project, a addresses) (*session, error) {
	return superdaemon([]string{b.hotstart, "run", "--port=" + a.first}, p, a.first)
}

func ranOnPath(b *bench, p *project, a addresses) (*session, error) {
	return superdaemon([]string{b.hotstart, "run", "--path=" + a.path}, p, a.path)
}

func perlOnPort(b *bench, p *project, a addresses) (*session, error) {
	return superdaemon([]string{"start_server", "--port=" + a.first}, p, a.first)
}

func perlOnPath(b *bench, p *project, a addresses) (*session, error) {
	return superdaemon([]string{"start_server", "--path=" + a.path}, p, a.path)
}

// superdaemon builds a program and runs it under Perl's start_server (Debian's
// libserver-starter-perl), or under hotstart run, which says the same.
func superdaemon(command []string, p *project, address string) (*session, error) {
	program := filepath.Join(p.dir, "program")
	build := exec.Command("go", "build", "-o", program)
	build.Dir = p.dir
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	cmd := exec.Command(command[0], append(command[1:], "--", program)...)
	cmd.Env = append(os.Environ(), "ADDRESS="+address)
	return newSession(cmd, "starting new worker", "new worker is now running")
}

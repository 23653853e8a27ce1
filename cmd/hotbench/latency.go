package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// runLatency compares, edit by edit and in turn, the time from a save to the
// first new answer with that of a bare go build of the same edit.
func runLatency(args []string) error {
	flags := flag.NewFlagSet("latency", flag.ContinueOnError)
	edits := flags.Int("n", 15, "edits to measure")
	warm := flags.Int("warm", 2, "edits to make before that")
	binary := flags.String("hotstart", "", "the hotstart to measure; built from this checkout if empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := newBench(*binary)
	if err != nil {
		return err
	}
	defer b.close()
	served, bare, err := b.measureLatency(*warm, *edits)
	if err != nil {
		return err
	}
	fmt.Printf("%-34s %8s %8s %8s\n", "", "median", "p95", "ratio")
	fmt.Printf("%-34s %8s %8s %8.2f\n", "bare go build", ms(quantile(bare, 0.5)), ms(quantile(bare, 0.95)), 1.0)
	fmt.Printf("%-34s %8s %8s %8.2f\n", "hotstart: save to first new answer", ms(quantile(served, 0.5)), ms(quantile(served, 0.95)),
		float64(quantile(served, 0.5))/float64(quantile(bare, 0.5)))
	return nil
}

func (b *bench) measureLatency(warm, edits int) (served, bare []time.Duration, err error) {
	watched, err := b.project("watched", "plain")
	if err != nil {
		return nil, nil, err
	}
	built, err := b.project("built", "plain")
	if err != nil {
		return nil, nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, nil, err
	}
	s, err := b.watch(watched, []string{"ADDRESS=" + address})
	if err != nil {
		return nil, nil, err
	}
	defer s.stop()
	for i := range warm + edits {
		text := fmt.Sprintf("edit %d", i)
		goBuild, err := timeBuild(built, text)
		if err != nil {
			return nil, nil, err
		}
		save, err := timeSave(watched, address, text)
		if err != nil {
			return nil, nil, err
		}
		if i >= warm {
			served, bare = append(served, save), append(bare, goBuild)
		}
	}
	return served, bare, nil
}

// timeSave measures from a save to the first answer that shows it.
func timeSave(p *project, address, text string) (time.Duration, error) {
	begin := time.Now()
	if err := p.write(text); err != nil {
		return 0, err
	}
	if err := await(address, text); err != nil {
		return 0, err
	}
	d := time.Since(begin)
	time.Sleep(rest)
	return d, nil
}

// await asks every few milliseconds, with a new connection each time, until
// the answer has text. No request may fail.
func await(address, text string) error {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		r, err := client.Get("http://" + address)
		if err != nil {
			return err
		}
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return err
		}
		if strings.HasPrefix(string(b), text+" ") {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("the answer is still %q, not %q", b, text)
		}
	}
}

// timeBuild measures a bare go build of the same edit.
func timeBuild(p *project, text string) (time.Duration, error) {
	if err := p.write(text); err != nil {
		return 0, err
	}
	build := exec.Command("go", "build", "-o", filepath.Join(p.dir, "..", "bare"), ".")
	build.Dir = p.dir
	begin := time.Now()
	out, err := build.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("go build: %w\n%s", err, out)
	}
	d := time.Since(begin)
	time.Sleep(rest)
	return d, nil
}

// rest lets what a measurement has set off come to an end before the next.
const rest = 400 * time.Millisecond

// quantile is 0 if there is nothing.
func quantile[T cmp.Ordered](values []T, q float64) (none T) {
	if len(values) == 0 {
		return none
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func ms(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

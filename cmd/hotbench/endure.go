package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// endurance is what many reloads in a row do to hotstart.
type endurance struct {
	Machine    machine   `json:"machine"`
	Stretches  []stretch `json:"stretches"`
	Fresh      int       `json:"goroutines_after_5"` // of another hotstart
	Goroutines int       `json:"goroutines_at_the_end"`
}

// stretch is some of the reloads, and what hotstart took after them.
type stretch struct {
	Reloads int     `json:"reloads"` // since the start
	Median  float64 `json:"ms"`      // from a save to its first answer, in this stretch
	P95     float64 `json:"p95_ms"`
	usage
	Temporary int `json:"temporary_files"`
}

// runEndure saves again and again and looks for what grows.
func runEndure(args []string) error {
	flags := flag.NewFlagSet("endure", flag.ContinueOnError)
	reloads := flags.Int("reloads", 1000, "reloads in a row")
	every := flags.Int("every", 50, "reloads between two looks")
	binary := flags.String("hotstart", "", "the hotstart to measure; built from this checkout if empty")
	out := flags.String("out", defaultOut(), "folder for the figures")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := newBench(*binary)
	if err != nil {
		return err
	}
	defer b.close()
	e := endurance{Machine: thisMachine()}
	if _, e.Fresh, err = b.endure(5, 5); err != nil {
		return err
	}
	if e.Stretches, e.Goroutines, err = b.endure(*reloads, *every); err != nil {
		return err
	}
	e.print()
	return writeJSON(filepath.Join(*out, "endure.json"), e)
}

func (e endurance) print() {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "reloads\tmedian\tp95\tRSS\tdescriptors\tthreads\ttemporary files\t")
	for _, s := range e.Stretches {
		fmt.Fprintf(table, "%d\t%.0f ms\t%.0f ms\t%.1f MB\t%d\t%d\t%d\t\n", s.Reloads, s.Median, s.P95, megabytes(s.RSS), s.Files, s.Threads, s.Temporary)
	}
	table.Flush()
	fmt.Printf("goroutines: %d at the end, %d in another after 5 reloads\n", e.Goroutines, e.Fresh)
}

// endure reloads so often, and then counts goroutines by what the runtime
// prints at SIGQUIT.
func (b *bench) endure(reloads, every int) (all []stretch, goroutines int, err error) {
	dir, err := os.MkdirTemp(b.dir, "endure-")
	if err != nil {
		return nil, 0, err
	}
	p, err := makeSmall(filepath.Join(dir, "small"))
	if err != nil {
		return nil, 0, err
	}
	temporary := filepath.Join(dir, "tmp")
	if err := os.Mkdir(temporary, 0o755); err != nil {
		return nil, 0, err
	}
	t := tool{name: ours, args: []string{"watch"}}
	r, _, err := start(b.hotstart, t, p, "TMPDIR="+temporary)
	if err != nil {
		return nil, 0, err
	}
	defer r.stop(t)
	var took []float64
	for n := 1; n <= reloads; n++ {
		d, err := r.saveQuietly(newText())
		if err != nil {
			return all, 0, err
		}
		took = append(took, millis(d))
		if n%every == 0 {
			settle(r.alone)
			all = append(all, stretch{n, quantile(took, 0.5), quantile(took, 0.95), measure(r.alone()), filesBelow(temporary)})
			took = nil
		}
	}
	r.quit()
	<-r.ended
	return all, strings.Count("\n"+r.said.all(), "\ngoroutine "), nil
}

func filesBelow(dir string) (n int) {
	filepath.WalkDir(dir, func(_ string, e fs.DirEntry, _ error) error {
		if e != nil && !e.IsDir() {
			n++
		}
		return nil
	})
	return n
}

package main

import (
	"cmp"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// timeBuild measures a bare go build of an edit.
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
	time.Sleep(breath)
	return d, nil
}

// breath lets what a measurement has set off come to an end before the next.
const breath = 400 * time.Millisecond

// quantile is 0 if there is nothing.
func quantile[T cmp.Ordered](values []T, q float64) (none T) {
	if len(values) == 0 {
		return none
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// Package logfile shows clients the end of the files to which a program writes its
// output, and follows the files. It reads only while a client asks, so that the output
// itself costs hotstart nothing.
package logfile

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
)

// Files are the files that the processes of a program write to at the moment. They
// implement control.Source. After a rotation, old workers may still write to the file
// that was renamed.
type Files struct {
	// Paths returns the paths of the files, in the order in which their lines are shown.
	// Two paths of one file count once; what is not a regular file does not count.
	Paths func() []string
	// Clean removes what is only for terminals from a line.
	Clean func(string) string
}

const (
	maxLast      = 1 << 20                // bytes of each file before those that follow
	maxRead      = 64 << 10               // bytes of a file that are read at once
	pollInterval = 200 * time.Millisecond // between two looks at the files, while a client follows
)

// Check returns an error if a file can't be opened, and reports whether there is one.
func (f Files) Check() (exist bool, err error) {
	var t tails
	defer t.close()
	err = t.update(f.Paths(), 0)
	return len(t) > 0, err
}

// Follow implements control.Source. The lines have no worker and no time: several
// workers write to one file.
func (f Files) Follow(ctx context.Context, n int, endless bool) iter.Seq2[[][]byte, int64] {
	return func(yield func([][]byte, int64) bool) {
		var t tails
		defer t.close()
		t.update(f.Paths(), maxLast)
		lines := t.read(maxLast)
		if !endless {
			lines = append(lines, t.partial()...)
		}
		if !yield(f.objects(lines[max(0, len(lines)-n):]), 0) {
			return
		}
		for endless {
			if lines = t.read(maxRead); len(lines) > 0 {
				if !yield(f.objects(lines), 0) {
					return
				}
				continue
			}
			select {
			case <-time.After(pollInterval):
				t.update(f.Paths(), maxLast)
			case <-ctx.Done():
				return
			}
		}
	}
}

func (f Files) objects(lines []string) (objects [][]byte) {
	for _, l := range lines {
		b, err := json.Marshal(control.Line{Text: f.Clean(l)})
		if err != nil {
			panic(err) // only strings and numbers are marshaled
		}
		objects = append(objects, b)
	}
	return objects
}

package term

import (
	"context"
	"os"
)

// StdinRelay passes the standard input of hotstart to the current worker. Each command
// has a file of its own, so that two workers never read each other's input.
type StdinRelay struct {
	readers chan *os.File // the newest file to write to
}

// NewStdinRelay passes on what comes from input, until ctx is done.
func NewStdinRelay(ctx context.Context, input <-chan []byte) *StdinRelay {
	r := &StdinRelay{readers: make(chan *os.File, 1)}
	go r.run(ctx, input)
	return r
}

// SetReader passes later input to a worker by its file. A nil relay ignores it.
func (r *StdinRelay) SetReader(to *os.File) {
	if r == nil {
		return
	}
	for {
		select {
		case r.readers <- to:
			return
		case <-r.readers:
		}
	}
}

// run holds input back until there is a worker. A worker that does not read blocks the
// relay until the next worker comes.
func (r *StdinRelay) run(ctx context.Context, input <-chan []byte) {
	var to *os.File
	ended := false
	for {
		in := input
		if to == nil || ended {
			in = nil
		}
		select {
		case to = <-r.readers:
			if ended {
				endInput(to)
			}
		case chunk, ok := <-in:
			if ended = !ok; ended {
				endInput(to)
				continue
			}
			select { // a worker that came before the input gets it
			case to = <-r.readers:
			default:
			}
			to.Write(chunk) // fails if the worker has exited
		case <-ctx.Done():
			return
		}
	}
}

func endInput(to *os.File) {
	const endOfFile = "\x04" // VEOF, termios(3)
	if IsTerminal(to) {
		to.WriteString(endOfFile)
		return
	}
	to.Close()
}

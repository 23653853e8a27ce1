package term

import (
	"context"
	"os"
)

// input passes what hotstart reads on to the worker that serves, where the
// user wants that: each command has an end of its own, so that two workers
// never read each other's lines.
type StdinRelay struct {
	readers chan *os.File // the latest to write to
}

func NewStdinRelay(typed <-chan []byte, ended context.Context) *StdinRelay {
	i := &StdinRelay{readers: make(chan *os.File, 1)}
	go i.pass(typed, ended)
	return i
}

// send has a worker's end get what comes from now on.
func (i *StdinRelay) SetReader(to *os.File) {
	if i == nil {
		return
	}
	for {
		select {
		case i.readers <- to:
			return
		case <-i.readers:
		}
	}
}

// pass waits with what comes until there is somebody to read it. Who does not
// read holds it up until the next worker comes.
func (i *StdinRelay) pass(typed <-chan []byte, ended context.Context) {
	var to *os.File
	over := false
	for {
		in := typed
		if to == nil || over {
			in = nil
		}
		select {
		case to = <-i.readers:
			if over {
				endInput(to)
			}
		case chunk, ok := <-in:
			if over = !ok; over {
				endInput(to)
				continue
			}
			select { // a new reader that came before it is to have it
			case to = <-i.readers:
			default:
			}
			to.Write(chunk) // one that has left reads no more
		case <-ended.Done():
			return
		}
	}
}

// endInput tells a worker that no more comes.
func endInput(to *os.File) {
	const endOfFile = "\x04" // VEOF, termios(3)
	if IsTerminal(to) {
		to.WriteString(endOfFile)
		return
	}
	to.Close()
}

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// memory is the last lines that a hotstart has said.
type memory struct {
	mu    sync.Mutex
	lines []string
}

const remembered = 60

func (m *memory) add(line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = append(m.lines, line)
	if len(m.lines) > remembered {
		m.lines = slices.Delete(m.lines, 0, len(m.lines)-remembered)
	}
}

func (m *memory) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(m.lines, "\n")
}

// keepReading reads what a session says from now on, so that it never waits
// for a reader, and shows it.
func (s *session) keepReading(show bool) *memory {
	m := &memory{}
	go func() { // ends with hotstart
		for line := range s.lines {
			m.add(line)
			if show {
				fmt.Fprintln(os.Stderr, time.Now().Format("15:04:05.000"), line)
			}
		}
	}()
	return m
}

// end has hotstart end, and kills it if it does not in time.
func (s *session) end(patience time.Duration) error {
	s.cmd.Process.Signal(syscall.SIGTERM)
	ended := make(chan struct{})
	go func() { s.cmd.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-time.After(patience):
		s.cmd.Process.Kill()
		<-ended
		return errors.New("hotstart did not end")
	}
}

package main

import (
	"strings"
	"sync"
)

// said is what a tool says. It may go on while that is read.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// last is the end of it, on one line.
func (s *said) last() string { return lastLines([]byte(s.all())) }

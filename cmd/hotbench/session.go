package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// patience bounds every wait.
const patience = time.Minute

// session is a running hotstart watch.
type session struct {
	cmd   *exec.Cmd
	lines chan string // what it says; closed when it has ended
}

// watch starts hotstart on a project and waits until it serves.
func (b *bench) watch(p *project, env []string, flags ...string) (*session, error) {
	return b.watchBy(nil, p, env, flags...)
}

// watchBy is watch by a command that becomes the one it is given.
func (b *bench) watchBy(command []string, p *project, env []string, flags ...string) (*session, error) {
	argv := slices.Concat(command, []string{b.hotstart, "watch"}, flags)
	s := &session{cmd: exec.Command(argv[0], argv[1:]...), lines: make(chan string, 1000)}
	s.cmd.Dir, s.cmd.Env = p.dir, append(os.Environ(), env...)
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.cmd.Stdout, s.cmd.Stderr = w, w
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting hotstart: %w", err)
	}
	w.Close()
	go func() { // ends with hotstart and its workers
		defer close(s.lines)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			s.lines <- lines.Text()
		}
	}()
	return s, s.see("is serving")
}

// see waits for a line with text in it.
func (s *session) see(text string) error {
	said := ""
	for late := time.After(patience); ; {
		select {
		case line, ok := <-s.lines:
			if !ok {
				return fmt.Errorf("hotstart has ended; it said:%s", said)
			}
			if strings.Contains(line, text) {
				return nil
			}
			said += "\n" + line
		case <-late:
			return fmt.Errorf("hotstart never said %q, but:%s", text, said)
		}
	}
}

// reload has it build and reload, and waits until the new worker serves.
func (s *session) reload() error {
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	return s.see("is serving")
}

func (s *session) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	for range s.lines {
	}
	s.cmd.Wait()
}

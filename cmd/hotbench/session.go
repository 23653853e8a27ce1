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

// session is a running superdaemon.
type session struct {
	cmd    *exec.Cmd
	serves string      // part of what it says when a new worker serves
	lines  chan string // what it says; closed when it has ended
}

// watch starts hotstart watch on a project and waits until it serves.
func (b *bench) watch(p *project, env []string, args ...string) (*session, error) {
	return b.watchBy(nil, p, env, args...)
}

// watchBy is watch by a command that becomes the one it is given.
func (b *bench) watchBy(command []string, p *project, env []string, args ...string) (*session, error) {
	argv := slices.Concat(command, []string{b.hotstart, "watch"}, args)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = p.dir, append(os.Environ(), env...)
	const serves = ") is " // serving, or running where the program is slow to listen
	return newSession(cmd, serves, serves)
}

// newSession starts a superdaemon and waits until it says of its first worker
// that it has begun.
func newSession(cmd *exec.Cmd, begun, serves string) (*session, error) {
	s := &session{cmd: cmd, serves: serves, lines: make(chan string, 1000)}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	w.Close()
	go s.read(r) // ends with it and its workers
	if err := s.see(begun); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// read passes on what was said. A program may say more than anybody wants to
// know: nobody may wait for that.
func (s *session) read(r *os.File) {
	defer close(s.lines)
	defer r.Close()
	for lines := bufio.NewReader(r); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSuffix(line, "\n")
		if strings.Contains(line, s.serves) {
			s.lines <- line
			continue
		}
		select {
		case s.lines <- line:
		default:
		}
	}
}

// see waits for a line with text in it.
func (s *session) see(text string) error {
	said := ""
	for late := time.After(patience); ; {
		select {
		case line, ok := <-s.lines:
			if !ok {
				return fmt.Errorf("%s has ended; it said:%s", s.cmd.Path, said)
			}
			if strings.Contains(line, text) {
				return nil
			}
			said += "\n" + line
			said = said[max(0, len(said)-4000):]
		case <-late:
			return fmt.Errorf("%s never said %q, but:%s", s.cmd.Path, text, said)
		}
	}
}

// reload has it start a new worker, built anew where it builds, and waits until
// that serves.
func (s *session) reload() error {
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	return s.see(s.serves)
}

func (s *session) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(patience, func() { s.cmd.Process.Kill() })
	defer late.Stop()
	for range s.lines {
	}
	s.cmd.Wait()
}

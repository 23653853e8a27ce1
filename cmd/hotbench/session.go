package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"time"
)

// patience bounds every wait.
const patience = time.Minute

// session is a running hotstart watch.
type session struct {
	cmd    *exec.Cmd
	url    string
	client *http.Client
}

var serving = regexp.MustCompile(`is serving (http://\S+)`)

// startWatch starts hotstart on a free port, and waits until it serves.
func startWatch(binary, dir string, flags ...string) (*session, error) {
	s := &session{client: &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}}
	s.cmd = exec.Command(binary, append([]string{"watch", "--port=127.0.0.1:0"}, flags...)...)
	s.cmd.Dir = dir
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.cmd.Stderr = w
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting hotstart: %w", err)
	}
	w.Close()
	said := ""
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if m := serving.FindStringSubmatch(lines.Text()); m != nil {
			s.url = m[1]
			go io.Copy(io.Discard, r)
			return s, nil
		}
		said += "\n" + lines.Text()
	}
	s.cmd.Wait()
	return nil, fmt.Errorf("hotstart has ended before it served:%s", said)
}

// await asks, with a new connection each time, until the answer is text.
func (s *session) await(text string) error {
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		r, err := s.client.Get(s.url)
		if err != nil {
			return err
		}
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err == nil && string(b) == text {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("the answer is still %q, not %q", b, text)
		}
	}
}

func (s *session) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.cmd.Wait()
}

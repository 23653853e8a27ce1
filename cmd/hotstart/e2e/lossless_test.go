//go:build e2e && linux

package e2e

import (
	"cmp"
	"path/filepath"
	"strings"
	"testing"
)

// TestLossless reloads servers under load, with one connection for each request
// and with keep-alive POST at the same time. No request may be lost.
func TestLossless(t *testing.T) {
	for _, test := range []struct {
		name, program, clients string
		command                []string // of a superdaemon; empty or flags: hotstart watch
	}{
		{"plain", "plain", "tcp", nil},
		{"shutdown", "shutdown", "tcp", nil},
		{"two", "two", "two", nil},
		{"tls", "tls", "tls", nil},
		{"fresh", "plain", "tcp", []string{"--fresh=1m"}},
		{"fresh-shutdown", "shutdown", "tcp", []string{"--fresh=100ms"}},
		{"fresh-tls", "tls", "tls", []string{"--fresh=1m"}},
		{"worker", "worker", "tcp", nil},
		{"run", "worker", "tcp", []string{hotstart, "run"}},
		{"run-unix", "worker", "unix", []string{hotstart, "run"}},
		{"start_server", "worker", "tcp", []string{"start_server"}},
		{"start_server-unix", "worker", "unix", []string{"start_server"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newProject(t, test.program, "")
			p.writeCertificate(t)
			first, second, path := freeAddress(t), freeAddress(t), filepath.Join(t.TempDir(), "socket")
			clients := map[string][]client{
				"tcp":  echoClients(nil, "http://"+first),
				"two":  echoClients(nil, "http://"+first, "http://"+second),
				"tls":  echoClients(nil, "https://"+first),
				"unix": echoClients(toUnixSocket(path), "http://unix"),
			}[test.clients]
			var s *session
			switch {
			case len(test.command) == 0 || strings.HasPrefix(test.command[0], "--"):
				s = watch(t, p, nil, []string{"ADDRESS=" + first, "SECOND=" + second}, test.command...)
			case test.clients == "unix":
				t.Parallel() // each reload lasts a second in any case
				s = superdaemon(t, p.dir, append(test.command, "--path="+path, "--", p.build(t)), []string{"ADDRESS=" + path})
			default:
				t.Parallel()
				s = superdaemon(t, p.dir, append(test.command, "--port="+first, "--", p.build(t)), []string{"ADDRESS=" + first})
			}
			reloads := cmp.Or(*reloadsFlag, 100)
			for _, c := range reloadUnderLoad(t, s, clients, cmp.Or(*clientsFlag, 32), reloads, *requestsFlag) {
				t.Logf("%s: %d of %d requests lost over %d reloads", c.name, c.lost.Load(), c.asked.Load(), reloads)
				if c.lost.Load() > 0 {
					t.Fail()
				}
			}
		})
	}
}

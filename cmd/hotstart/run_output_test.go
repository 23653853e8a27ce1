package main

import (
	"os"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
)

// A client that gets no lines learns where they are.
func TestOutputElsewhere(t *testing.T) {
	stderr := fileID(os.Stderr)
	for _, test := range []struct {
		name, logFile, journal, unit string
		want, hint                   string
	}{
		{"a terminal or a pipe", "", "", "", "goes to no file", "hotstart run --log-file=FILE"},
		{"a command", " | logger", stderr, "abc", `the command of --log-file=" | logger"`, ""},
		{"the journal", "", stderr, "abc", "the journal of systemd", "journalctl -f _SYSTEMD_INVOCATION_ID=abc"},
		{"a shell in a unit", "", "8:1", "abc", "goes to no file", "hotstart run --log-file=FILE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("JOURNAL_STREAM", test.journal)
			t.Setenv("INVOCATION_ID", test.unit)
			err := (&runOptions{logFile: test.logFile}).outputElsewhere()
			if !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(cli.Hint(err), test.hint) || (test.hint == "") != (cli.Hint(err) == "") {
				t.Errorf("got %v, hint %q", err, cli.Hint(err))
			}
		})
	}
}

package main

import (
	"bytes"
	"regexp"
	"runtime/debug"
	"testing"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
)

func TestVersionOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ release, module, want string }{
		{"1.2.3", "v1.0.0", "1.2.3"},
		{"", "v1.0.0", "v1.0.0"},
		{"", "v0.0.0-20260304230000-0123456789ab+dirty", "v0.0.0-20260304230000-0123456789ab+dirty"},
		{"", "(devel)", "devel"},
		{"", "", "devel"},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: c.module}}
		if got := versionOf(c.release, info); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// The command and the flag print the same line.
func TestVersionIsShown(t *testing.T) {
	for _, arg := range []string{"version", "--version"} {
		var out, failure bytes.Buffer
		if code := run([]string{arg}, &out, &failure); code != cli.OK {
			t.Errorf("%s: exit code %d: %s", arg, code, &failure)
		}
		if want := `^hotstart \S+.*, go\S+ \w+/\w+\n$`; !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("%s prints %q, want %s", arg, &out, want)
		}
	}
}

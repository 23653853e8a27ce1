package main

import (
	"bytes"
	"regexp"
	"runtime/debug"
	"testing"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
)

func TestVersionOf(t *testing.T) {
	t.Parallel()
	built := time.Date(2026, 3, 4, 23, 0, 0, 0, time.UTC)
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123"}
	for _, c := range []struct {
		release string
		module  string
		vcs     []debug.BuildSetting
		built   time.Time
		want    string
	}{
		{"1.2.3", "v1.0.0", nil, built, "1.2.3"},
		{"", "v1.0.0", nil, built, "v1.0.0"},
		{"", "(devel)", []debug.BuildSetting{revision}, built, "devel 0123456789ab"},
		{"", "", []debug.BuildSetting{revision, {Key: "vcs.modified", Value: "true"}}, built, "devel 0123456789ab+dirty"},
		{"", "(devel)", nil, built, "devel built 2026-03-04"},
		{"", "", nil, time.Time{}, "devel"},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: c.module}, Settings: c.vcs}
		if got := versionOf(c.release, info, c.built); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// The command and the flag say the same, and more than that it is no release.
func TestVersionIsShown(t *testing.T) {
	for _, arg := range []string{"version", "--version"} {
		var out, failure bytes.Buffer
		if code := run([]string{arg}, &out, &failure); code != cli.OK {
			t.Errorf("%s: exit code %d: %s", arg, code, &failure)
		}
		if want := `^hotstart \S+.*, go\S+ \w+/\w+\n$`; !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("%s says %q, want %s", arg, &out, want)
		}
	}
}

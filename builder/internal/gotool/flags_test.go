package gotool

import (
	"reflect"
	"testing"
)

func TestParseFlags(t *testing.T) {
	t.Parallel()
	got := ParseFlags([]string{"-tags", "a,b", "--race", "-ldflags=-X a=b", "-buildvcs", "-p", "-2", "stray", "-race=false", "-pgo"})
	want := Flags{{"tags", "a,b"}, {"race", "true"}, {"ldflags", "-X a=b"}, {"buildvcs", "true"}, {"p", "-2"}, {"race", "false"}, {"pgo", ""}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got.IsSet("race") || !got.IsSet("buildvcs") || got.IsSet("msan") {
		t.Error("the last of a name does not win")
	}
}

// Switches that are off, and usual flags, are supported.
func TestCheck(t *testing.T) {
	t.Parallel()
	flags := ParseFlags([]string{"-x=false", "-json=false", "-n=false", "-v", "-work", "-trimpath", "-buildmode=pie", "-tags", "x"})
	if err := flags.Check(); err != nil {
		t.Error(err)
	}
}

func TestSplitQuoted(t *testing.T) {
	t.Parallel()
	for goflags, want := range map[string][]string{
		"":                                nil,
		" -a \t-b=c ":                     {"-a", "-b=c"},
		`"-ldflags=-s -w" '-tags=a "b"'x`: {"-ldflags=-s -w", `-tags=a "b"`, "x"},
		`-a="b" "unfinished x`:            {`-a="b"`, "unfinished x"},
		`'`:                               {""},
	} {
		if got := splitQuoted(goflags); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q", goflags, got, want)
		}
	}
}

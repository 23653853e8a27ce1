package rules

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		line, err, output string
	}{
		{`test "$1/$2/$HOTSTART_CHANGED" = "a b/c/a b
c"`, "", ""},
		{`echo out; echo err >&2; exit 4`, "exit status 4", "out\nerr"},
		{`pwd; kill -9 $$`, "signal: killed", dir},
		{`seq 100000; exit 1`, "exit status 1", "100000"},
		{`sleep 1000 &`, "", ""},
	} {
		c := Command{Line: test.line, Dir: dir, Env: os.Environ(), TempDir: t.TempDir(), Files: []string{filepath.Join(dir, "a b"), filepath.Join(dir, "c")}}
		output, err := c.Execute(t.Context())
		if fmt.Sprint(err) != test.err && (err != nil || test.err != "") {
			t.Errorf("%s: %v", test.line, err)
		}
		if !strings.HasSuffix(output, test.output) || len(output) > 17<<10 {
			t.Errorf("%s: its output is %d bytes: %q", test.line, len(output), output)
		}
	}
}

func TestCommandIsCancelled(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := Command{Line: `trap "echo >ended" TERM; echo >began; while :; do sleep 0.01; done`, Dir: dir, TempDir: dir}.Execute(ctx)
		done <- err
	}()
	wait := func(file string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(filepath.Join(dir, file)); err == nil {
				return
			} else if time.Now().After(end) {
				t.Fatal(err)
			}
		}
	}
	wait("began")
	cancel()
	wait("ended") // by SIGTERM first
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCommandGetsNoListOfThousandsOfFiles(t *testing.T) {
	c := Command{Dir: "/app"}
	for i := range 10000 {
		c.Files = append(c.Files, fmt.Sprintf("/app/internal/%d.templ", i))
	}
	if names := c.names(); names != nil {
		t.Errorf("%d names", len(names))
	}
	c.Files = c.Files[:100]
	if names := c.names(); len(names) != 100 || names[7] != "internal/7.templ" {
		t.Errorf("%q", names)
	}
}

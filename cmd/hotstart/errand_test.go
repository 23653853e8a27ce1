package main

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

func TestErrand(t *testing.T) {
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
		e := errand{line: test.line, dir: dir, env: os.Environ(), files: []string{filepath.Join(dir, "a b"), filepath.Join(dir, "c")}}
		err := e.run(t.Context(), t.TempDir())
		if fmt.Sprint(err) != test.err && (err != nil || test.err != "") {
			t.Errorf("%s: %v", test.line, err)
		}
		if output := outputOf(err); !strings.HasSuffix(output, test.output) || len(output) > 17<<10 {
			t.Errorf("%s: it said %d bytes: %q", test.line, len(output), output)
		}
	}
}

func TestErrandIsCancelled(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- errand{line: `trap "echo >ended" TERM; echo >began; while :; do sleep 0.01; done`, dir: dir}.run(ctx, dir)
	}()
	wait := func(file string) {
		t.Helper()
		for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
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

func TestErrandIsNotToldOfThousands(t *testing.T) {
	e := errand{dir: "/app"}
	for i := range 10000 {
		e.files = append(e.files, fmt.Sprintf("/app/internal/%d.templ", i))
	}
	if names := e.names(); names != nil {
		t.Errorf("%d names", len(names))
	}
	e.files = e.files[:100]
	if names := e.names(); len(names) != 100 || names[7] != "internal/7.templ" {
		t.Errorf("%q", names)
	}
}

package adopt_test

import (
	"flag"
	"go/format"
	"go/parser"
	"go/scanner"
	"go/token"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the code that package hook has from starter/worker")

// Package hook can't import starter/worker: it has a copy of the code that both need.
func TestHookHasTheCodeOfWorker(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"begun.go", "h2c.go", "wire.go"} {
		original, err := os.ReadFile("../../starter/worker/" + name)
		if err != nil {
			t.Fatal(err)
		}
		want := "// Code generated from starter/worker/" + name + " by `go test ./builder/adopt -run TestHookHasTheCodeOfWorker -update`. DO NOT EDIT.\n\n" + asHook(t, original)
		if *update {
			err = os.WriteFile("hook/"+name, []byte(want), 0o644)
		}
		if got, _ := os.ReadFile("hook/" + name); err != nil || string(got) != want {
			t.Errorf("hook/%s is not what starter/worker has (%v): run the command in its first line", name, err)
		}
	}
}

// asHook puts hotstart before the names at the top of a file.
func asHook(t *testing.T, source []byte) string {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, "", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{"worker": "hook"}
	ours := []string{"hasUnread", "descriptors", "closeDescriptor"} // not of these files
	for _, name := range slices.AppendSeq(ours, maps.Keys(parsed.Scope.Objects)) {
		names[name] = "hotstart" + strings.ToUpper(name[:1]) + name[1:]
	}
	var s scanner.Scanner
	s.Init(set.AddFile("", -1, len(source)), source, nil, scanner.ScanComments)
	var out strings.Builder
	end := 0
	for {
		pos, kind, text := s.Scan()
		at := set.Position(pos).Offset
		if kind == token.EOF {
			break
		}
		renamed := names[text]
		if first, rest, ok := strings.Cut(strings.TrimPrefix(text, "// "), " "); kind == token.COMMENT && ok && names[first] != "" {
			renamed = "// " + names[first] + " " + rest
		}
		if renamed != "" {
			out.Write(source[end:at])
			out.WriteString(renamed)
			end = at + len(text)
		}
	}
	out.Write(source[end:])
	formatted, err := format.Source([]byte(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	return string(formatted)
}

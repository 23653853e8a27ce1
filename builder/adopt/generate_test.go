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

var update = flag.Bool("update", false, "write the code that package hook has from starter")

// Package hook can't import what it shares with starter/worker: it has copies.
func TestHookHasTheCodeOfWorker(t *testing.T) {
	t.Parallel()
	for name, original := range map[string]string{
		"partial_request.go": "starter/worker/partial_request.go", "wire.go": "starter/internal/wire/wire.go",
	} {
		source, err := os.ReadFile("../../" + original)
		if err != nil {
			t.Fatal(err)
		}
		want := "// Code generated from " + original + " by `go test ./builder/adopt -run TestHookHasTheCodeOfWorker -update`. DO NOT EDIT.\n\n" + asHook(t, source)
		if *update {
			err = os.WriteFile("hook/"+name, []byte(want), 0o644)
		}
		if got, _ := os.ReadFile("hook/" + name); err != nil || string(got) != want {
			t.Errorf("hook/%s differs from %s (%v): run the command in its first line", name, original, err)
		}
	}
}

// asHook puts hotstart before the names at the top of a file, and leaves the package comment out.
func asHook(t *testing.T, source []byte) string {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, "", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	source = source[set.Position(parsed.Package).Offset:]
	names := map[string]string{parsed.Name.Name: "hook"}
	ours := []string{"hasUnread"} // not of these files
	for _, name := range slices.AppendSeq(ours, maps.Keys(parsed.Scope.Objects)) {
		names[name] = "hotstart" + strings.ToUpper(name[:1]) + name[1:]
	}
	var s scanner.Scanner
	file := set.AddFile("", -1, len(source))
	s.Init(file, source, nil, scanner.ScanComments)
	var out strings.Builder
	end := 0
	for {
		pos, kind, text := s.Scan()
		at := file.Offset(pos)
		if kind == token.EOF {
			break
		}
		renamed := names[text]
		first, rest, ok := strings.Cut(strings.TrimPrefix(text, "// "), " ")
		if documents := kind == token.COMMENT && at > 0 && source[at-1] == '\n'; documents && ok && names[first] != "" {
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

package builder

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// header returns what of a file decides which files a build reads: for Go its package
// clause, imports, build constraints, embed and debug directives, for C and assembly their
// constraints, else nothing. ok is false if that can't be told.
func header(name string) (text string, ok bool) {
	isGo := filepath.Ext(name) == ".go"
	if !isGo && !isC(name) && !isAssembly(name) {
		_, err := os.Stat(name)
		return "", err == nil
	}
	source, err := os.ReadFile(name)
	if err != nil {
		return "", false
	}
	if isGo {
		return goHeader(source)
	}
	return strings.Join(directives(source, "//go:build", "// +build"), "\n"), true
}

func goHeader(source []byte) (text string, ok bool) {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.ImportsOnly|parser.SkipObjectResolution)
	if err != nil {
		return "", false
	}
	imports := make([]string, len(file.Imports))
	for i, spec := range file.Imports {
		imports[i] = spec.Path.Value
	}
	slices.Sort(imports)
	rest := directives(source, "//go:build", "// +build", "//+build", "//go:embed", "//go:debug")
	return fmt.Sprintf("%s\n%s\n%s", file.Name.Name, slices.Compact(imports), strings.Join(rest, "\n")), true
}

// directives returns the lines that begin in one of these ways. It may return a line of
// a string literal too: to see a change, that does no harm.
func directives(source []byte, prefixes ...string) (lines []string) {
	if !slices.ContainsFunc(prefixes, func(p string) bool { return bytes.Contains(source, []byte(p)) }) {
		return nil
	}
	for line := range bytes.Lines(source) {
		line = bytes.TrimSpace(line)
		if slices.ContainsFunc(prefixes, func(p string) bool { return bytes.HasPrefix(line, []byte(p)) }) {
			lines = append(lines, string(line))
		}
	}
	return lines
}

func isAssembly(file string) bool {
	switch filepath.Ext(file) {
	case ".s", ".S", ".sx":
		return true
	}
	return false
}

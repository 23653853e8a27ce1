package graph

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

// header returns the part of a file that decides which files a build reads: of a Go file the
// package clause, the imports, and the build, embed and debug directives; of a C or assembly
// file the build constraints; of any other file nothing. ok is false if the file can't be read
// or parsed.
func header(name string) (text string, ok bool) {
	isGo := filepath.Ext(name) == ".go"
	if !isGo && !IsC(name) && !IsAssembly(name) {
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

// directives returns the lines that begin with one of the prefixes. It may also return a line
// of a string literal: the header then changes more often than necessary, which does no harm.
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

// importsC reports whether a Go file imports "C".
func importsC(path string) bool {
	text, _ := header(path)
	_, imports, _ := strings.Cut(text, "\n")
	imports, _, _ = strings.Cut(imports, "\n")
	return strings.Contains(imports, `"C"`)
}

// IsC reports whether a file is for a C, C++, Objective-C or Fortran compiler.
func IsC(file string) bool {
	return slices.Contains([]string{".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for", ".f90"}, filepath.Ext(file))
}

// IsAssembly reports whether a file is for an assembler.
func IsAssembly(file string) bool {
	return slices.Contains([]string{".s", ".S", ".sx"}, filepath.Ext(file))
}

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocsNameEachParityScript checks that the tables of docs/start_server.md name
// each script once, and no other.
func TestDocsNameEachParityScript(t *testing.T) {
	docs, err := os.ReadFile("../../docs/start_server.md")
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, row := range regexp.MustCompile(`(?m)^\|.*\| ([a-z0-9_, ]+) \|$`).FindAllStringSubmatch(string(docs), -1) {
		if row[1] != "script" && row[1] != "scripts" {
			named = append(named, strings.Split(row[1], ", ")...)
		}
	}
	files, err := filepath.Glob("testdata/start_server/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, file := range files {
		have = append(have, strings.TrimSuffix(filepath.Base(file), ".txtar"))
	}
	slices.Sort(named)
	slices.Sort(have)
	if !slices.Equal(named, have) {
		t.Errorf("named:\n%q\nthere are:\n%q", named, have)
	}
}

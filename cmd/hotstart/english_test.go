package main

import (
	"cmp"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// banned are phrases that a reader whose second language is English has to
// read twice. Each has a plain replacement: "is not a", "fix", "next to",
// "unlimited", "keeps running", "without success", "again", "gets".
var banned = regexp.MustCompile(`(?i)\bis no [a-z]|\bnone of\b|\bthat is none\b|can't be meant|\banew\b|\bmend(s|ed|ing)?\b|` +
	`\bbeside\b|\bsurely\b|\bin vain\b|\bfor ever\b|\bwhoever\b|\bof before\b|\bgone by\b|\b(is|are) told\b|\bgo(es)? on\b|` +
	`\bso many\b|, as ["'\x60]|\bless than nothing\b`)

// bannedIn returns the first banned phrase of a line; "" if it has none.
func bannedIn(line string) string {
	return banned.FindString(strings.NewReplacer("here is no ", "", "is no longer", "").Replace(line))
}

// TestPlainEnglish reads what users read: README, docs and every help text.
func TestPlainEnglish(t *testing.T) {
	texts := map[string]string{"README.md": read(t, "../../README.md")}
	docs, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(docs) == 0 {
		t.Fatal("no docs", err)
	}
	for _, file := range docs {
		texts[file] = read(t, file)
	}
	for _, cmd := range append(newRootCmd().Commands(), newRootCmd()) {
		texts["the help of "+cmd.CommandPath()] = cmd.Long + "\n" + cmd.UsageString()
	}
	for name, text := range texts {
		n := 0
		for line := range strings.Lines(text) {
			n++
			if found := bannedIn(line); found != "" {
				t.Errorf("%s:%d: write %q in plain English: %s", name, n, found, line)
			}
		}
	}
}

// TestPlainComments reads the comments of every Go file, also of tests.
func TestPlainComments(t *testing.T) {
	const root = "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() == "testdata" {
			return cmp.Or(err, fs.SkipDir)
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		n := 0
		for line := range strings.Lines(read(t, path)) {
			n++
			if _, comment, _ := strings.Cut(line, "//"); bannedIn(comment) != "" {
				t.Errorf("%s:%d: write %q in plain English: %s", path, n, bannedIn(comment), comment)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBannedPhrases(t *testing.T) {
	for _, text := range []string{"80 is no port", "a second one is started anew", "it waits for ever", "flags, as `-race`"} {
		if bannedIn(text) == "" {
			t.Errorf("%q passes", text)
		}
	}
	for _, text := range []string{"there is no port", "a recommended setting", "a beginning", "80 is not a port"} {
		if found := bannedIn(text); found != "" {
			t.Errorf("%q in %q is refused", found, text)
		}
	}
}

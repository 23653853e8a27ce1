package main

import (
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// some has two tools with one program, and one that is not available.
func some() *figures {
	return &figures{Visits: []visit{
		{Program: "small", Tool: bareBuild, Edits: []edit{{Took: 400}, {Took: 500}, {Took: 600}}},
		{Program: "small", Tool: "wgo", Missing: "the module proxy does not serve it"},
		{Program: "small", Tool: ours, Start: 700, Edits: []edit{{Took: 300, Asked: 60}}},
		{Program: "small", Tool: ours, Start: 900, Edits: []edit{{Took: 250, Asked: 50, Lost: 1}}, Missing: "the edit was never served"},
		{Program: "small", Tool: ours, Start: 800, Edits: []edit{{Took: 200, Asked: 40}}},
	}}
}

func TestSummary(t *testing.T) {
	s := some().summary("small", ours)
	if s.Median != 250 || s.P95 != 300 || s.Ratio != 0.5 || s.Start != 800 || s.Asked != 150 || s.Lost != 1 || len(s.Failures) != 1 {
		t.Errorf("%+v", s)
	}
}

// A tool that failed in the middle of a visit is visited again; one that could
// not be started is not.
func TestUnavailable(t *testing.T) {
	f := some()
	if f.unavailable("small", ours) || !f.unavailable("small", "wgo") || f.unavailable("small", "air") {
		t.Error(f.unavailable("small", ours), f.unavailable("small", "wgo"), f.unavailable("small", "air"))
	}
}

func TestFiguresAreKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "compare.json")
	f, err := openFigures(file, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range some().Visits {
		if err := f.add(v); err != nil {
			t.Fatal(err)
		}
	}
	again, err := openFigures(file, true)
	if err != nil {
		t.Fatal(err)
	}
	if n := again.visits("small", ours); n != 3 {
		t.Errorf("%d visits, want 3", n)
	}
}

func TestDrawIsXML(t *testing.T) {
	picture := draw(some().summaries())
	if !strings.Contains(picture, ">hotstart<") || strings.Contains(picture, "wgo") {
		t.Error(picture)
	}
	for d := xml.NewDecoder(strings.NewReader(picture)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestReplaceMarked(t *testing.T) {
	page := "a\n" + beginMark + "old" + endMark + "\nz\n"
	once, err := replaceMarked(page, "new\n")
	if err != nil || strings.Contains(once, "old") || !strings.HasPrefix(once, "a\n") || !strings.HasSuffix(once, endMark+"\nz\n") {
		t.Fatalf("%v: %q", err, once)
	}
	if twice, err := replaceMarked(once, "new\n"); err != nil || twice != once {
		t.Errorf("%v: %q, then %q", err, once, twice)
	}
	if _, err := replaceMarked("a page with no marks", "new"); err == nil {
		t.Error("no marks, and no error")
	}
}

package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// fakeRules runs rules with a clock of its own. Each line of what it did is
// "SECONDS NAME: FILES".
type fakeRules struct {
	t   *testing.T
	now time.Time
	rules
	log []string
}

func newFakeRules(t *testing.T, texts ...string) *fakeRules {
	f := &fakeRules{t: t, now: time.Unix(1000, 0)}
	for _, text := range texts {
		r, err := parseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		f.all = append(f.all, newDuty(r, func(c change) bool { return slices.Contains(r.match, c.path) }))
	}
	return f
}

func (f *fakeRules) begin() {
	if d := f.next(f.now); d != nil {
		f.log = append(f.log, fmt.Sprintf("%d %s: %s", f.now.Unix()-1000, d.title(), strings.Join(d.names(), " ")))
	}
}

func (f *fakeRules) after(seconds int) { f.now = f.now.Add(time.Duration(seconds) * time.Second) }

// do is a word of what happens: a file that changes now, "-" a run that ends
// well, "!" one that fails, "x" one that is cancelled. A second passes.
func (f *fakeRules) do(words ...string) {
	for _, word := range words {
		f.after(1)
		switch word {
		case "-":
			f.end(f.now, runDone)
		case "!":
			f.end(f.now, runFailed)
		case "x":
			f.end(f.now, runCancelled)
		case "start":
			f.anew()
		default:
			file, generated := strings.CutSuffix(word, " generated")
			f.changed([]change{{path: file, at: f.now, generated: generated}})
		}
		f.begin()
	}
}

func TestRules(t *testing.T) {
	for _, test := range []struct {
		name  string
		rules []string
		do    []string
		want  []string
	}{
		{"run in order at the start, unless they wait for a change",
			[]string{"a, c: one", "b, +onchange: two", "c: three"}, []string{"start", "-", "-"},
			[]string{"1 one: ", "2 three: "}},
		{"run for the files that changed",
			[]string{"a, b: one"}, []string{"a", "-", "z", "b", "-"},
			[]string{"1 one: a", "4 one: b"}},
		{"run in order for what changed meanwhile",
			[]string{"a: one", "b: two", "c: three"}, []string{"b", "c", "a", "-", "-", "-"},
			[]string{"1 two: b", "4 one: a", "5 three: c"}},
		{"are not caused by what they generate",
			[]string{"a, g: one"}, []string{"a", "g generated", "-"},
			[]string{"1 one: a"}},
		{"run again for what may be an edit",
			[]string{"a, b: one"}, []string{"a", "b", "-", "-"},
			[]string{"1 one: a", "3 one: b"}},
		{"know an output once it was written twice",
			[]string{"a, b: one"}, []string{"a", "b", "-", "b", "-", "a", "b", "-"},
			[]string{"1 one: a", "3 one: b", "6 one: a"}},
		{"take an output for an edit if it changes while they rest",
			[]string{"a, b: one"}, []string{"a", "b", "-", "b", "-", "b", "-"},
			[]string{"1 one: a", "3 one: b", "6 one: b"}},
		{"cause each other",
			[]string{"a: one", "b: two"}, []string{"a", "b", "-", "-"},
			[]string{"1 one: a", "3 two: b"}},
		{"that fail run for the same files at the next edit",
			[]string{"a, b: one"}, []string{"a", "!", "z", "-", "z"},
			[]string{"1 one: a", "3 one: a"}},
		{"that fail do not run for what they have written",
			[]string{"a: one"}, []string{"a", "z", "!"},
			[]string{"1 one: a"}},
		{"that are cancelled run for the same files and the new ones",
			[]string{"a, b: one"}, []string{"a", "b", "x", "-"},
			[]string{"1 one: a", "3 one: a b"}},
	} {
		f := newFakeRules(t, test.rules...)
		f.do(test.do...)
		if !slices.Equal(f.log, test.want) {
			t.Errorf("rules %s: %q, not %q", test.name, f.log, test.want)
		}
	}
}

func TestRulesInACircleAreNamedOnceAndWaitForAnEdit(t *testing.T) {
	f := newFakeRules(t, "a: one", "b: two", "c: three")
	f.do("a")
	for range enough {
		f.do("b", "-", "a", "-") // each writes what the other is for
	}
	if len(f.log) != 2*enough || f.running != nil {
		t.Errorf("not twice %d times: %q", enough, f.log)
	}
	if f.busy() {
		t.Error("a circle is not seen")
	}
	if got := f.circle(); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("the circle is %q", got)
	}
	if got := f.circle(); got != nil {
		t.Errorf("told twice: %q", got)
	}
	f.log = nil
	f.do("b", "-")
	if want := "two: b"; len(f.log) != 1 || !strings.HasSuffix(f.log[0], want) {
		t.Errorf("an edit has run %q, not %q", f.log, want)
	}
}

// The second run writes the same bytes: that is no change, and yet it tells.
func TestRulesKnowAnOutputThatWasWrittenAgain(t *testing.T) {
	f := newFakeRules(t, "a, b: one")
	f.do("a", "b", "-")
	f.wrote("a", f.now) // no file that it runs for now
	f.wrote("b", f.now.Add(-time.Minute))
	f.do("-", "a", "b", "-")
	if f.running == nil {
		t.Error("a file that was not written again is taken for an output")
	}
	f.wrote("b", f.now)
	f.do("-", "a", "b", "-")
	if f.running != nil {
		t.Error("a file that was written again is taken for an edit")
	}
}

func TestRulesAreStaleOnlyForWhatTheyRunFor(t *testing.T) {
	f := newFakeRules(t, "a, b: one")
	f.do("a", "b")
	if f.running.stale {
		t.Error("stale for another file")
	}
	f.do("a")
	if !f.running.stale {
		t.Error("not stale")
	}
}

func TestRulesFail(t *testing.T) {
	f := newFakeRules(t, "a: one", "b: two")
	f.do("a", "!")
	if !f.failed() || f.busy() {
		t.Errorf("failed %v, busy %v", f.failed(), f.busy())
	}
	f.do("b", "-", "-")
	if f.failed() || f.busy() {
		t.Errorf("failed %v, busy %v: %q", f.failed(), f.busy(), f.log)
	}
}

// What comes late is still known to be of the time when the rule ran.
func TestRulesKnowWhatTheyWroteByItsTime(t *testing.T) {
	f := newFakeRules(t, "a, g: one")
	f.do("a", "-")
	written := f.now.Add(-time.Second / 2)
	f.after(60)
	f.changed([]change{{path: "g", at: written, generated: true}})
	if f.begin(); len(f.log) != 1 {
		t.Errorf("%q", f.log)
	}
}

// Whatever happens, edits that come to an end end the runs, too, and each
// edit is followed by a run that began after it.
func FuzzRules(f *testing.F) {
	f.Add([]byte("a-b-ab-!a-"))
	f.Add([]byte("aAbB--x-"))
	f.Fuzz(func(t *testing.T, words []byte) {
		f := newFakeRules(t, "a, b: one", "b, c: two")
		lastEdit := map[string]time.Time{}
		for _, w := range words {
			switch {
			case w == 'a' || w == 'b' || w == 'c':
				f.after(1)
				c := change{path: string(w), at: f.now}
				if !f.mayHaveWritten(c) {
					lastEdit[c.path] = f.now
				}
				f.changed([]change{c})
				f.begin()
			case f.running == nil:
			case w == '-' || w == '!' || w == 'x':
				f.do(string(w))
			}
		}
		for range 4 * enough * len(f.all) {
			if f.running != nil {
				f.do("-")
			}
		}
		if f.running != nil {
			t.Fatalf("never ends: %q", f.log)
		}
		for _, d := range f.all {
			for file, at := range lastEdit {
				if d.wants(change{path: file}) && (d.began.Before(at) && d.turns < enough) {
					t.Errorf("%s changed at %v, and %s ran last at %v", file, at, d.title(), d.began)
				}
			}
		}
	})
}

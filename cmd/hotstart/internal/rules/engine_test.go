package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// fakeEngine runs an Engine with a fake clock. A line of its log is
// "SECONDS NAME: FILES".
type fakeEngine struct {
	t   *testing.T
	now time.Time
	Engine
	log []string
}

func newFakeEngine(t *testing.T, texts ...string) *fakeEngine {
	f := &fakeEngine{t: t, now: time.Unix(1000, 0)}
	for _, text := range texts {
		r, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		f.Add(r, func(c Change) bool { return slices.Contains(r.Match, c.Path) })
	}
	return f
}

func (f *fakeEngine) begin() {
	if s := f.Next(f.now); s != nil {
		f.log = append(f.log, fmt.Sprintf("%d %s: %s", f.now.Unix()-1000, s.Title(), strings.Join(s.Inputs(), " ")))
	}
}

func (f *fakeEngine) after(seconds int) { f.now = f.now.Add(time.Duration(seconds) * time.Second) }

// do handles each word, one second after the other: "-" ends a run that
// succeeded, "!" a run that failed, "x" a run that was cancelled, "start" makes
// all rules due. Any other word is a file that changes.
func (f *fakeEngine) do(words ...string) {
	for _, word := range words {
		f.after(1)
		switch word {
		case "-":
			f.End(f.now, Succeeded)
		case "!":
			f.End(f.now, Failed)
		case "x":
			f.End(f.now, Cancelled)
		case "start":
			f.RunAll()
		default:
			file, generated := strings.CutSuffix(word, " generated")
			f.Changed([]Change{{Path: file, At: f.now, Generated: generated}})
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
		{"run in order for files that changed during a run",
			[]string{"a: one", "b: two", "c: three"}, []string{"b", "c", "a", "-", "-", "-"},
			[]string{"1 two: b", "4 one: a", "5 three: c"}},
		{"do not run for files that they generate",
			[]string{"a, g: one"}, []string{"a", "g generated", "-"},
			[]string{"1 one: a"}},
		{"run again for a change that may be an edit",
			[]string{"a, b: one"}, []string{"a", "b", "-", "-"},
			[]string{"1 one: a", "3 one: b"}},
		{"know an output once it was written twice",
			[]string{"a, b: one"}, []string{"a", "b", "-", "b", "-", "a", "b", "-"},
			[]string{"1 one: a", "3 one: b", "6 one: a"}},
		{"take an output for an edit if it changes while no rule runs",
			[]string{"a, b: one"}, []string{"a", "b", "-", "b", "-", "b", "-"},
			[]string{"1 one: a", "3 one: b", "6 one: b"}},
		{"trigger each other",
			[]string{"a: one", "b: two"}, []string{"a", "b", "-", "-"},
			[]string{"1 one: a", "3 two: b"}},
		{"that fail run for the same files at the next edit",
			[]string{"a, b: one"}, []string{"a", "!", "z", "-", "z"},
			[]string{"1 one: a", "3 one: a"}},
		{"that fail do not run for files that they wrote",
			[]string{"a: one"}, []string{"a", "z", "!"},
			[]string{"1 one: a"}},
		{"that are cancelled run for the same files and the new ones",
			[]string{"a, b: one"}, []string{"a", "b", "x", "-"},
			[]string{"1 one: a", "3 one: a b"}},
	} {
		f := newFakeEngine(t, test.rules...)
		f.do(test.do...)
		if !slices.Equal(f.log, test.want) {
			t.Errorf("rules %s: %q, not %q", test.name, f.log, test.want)
		}
	}
}

func TestRulesInACycleAreNamedOnceAndWaitForAnEdit(t *testing.T) {
	f := newFakeEngine(t, "a: one", "b: two", "c: three")
	f.do("a")
	for range maxRuns {
		f.do("b", "-", "a", "-") // each writes what the other is for
	}
	if len(f.log) != 2*maxRuns || f.running != nil {
		t.Errorf("not twice %d times: %q", maxRuns, f.log)
	}
	if f.Busy() {
		t.Error("the rules in a cycle are still due")
	}
	if got := f.Cycle(); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("the cycle is %q", got)
	}
	if got := f.Cycle(); got != nil {
		t.Errorf("reported twice: %q", got)
	}
	f.log = nil
	f.do("b", "-")
	if want := "two: b"; len(f.log) != 1 || !strings.HasSuffix(f.log[0], want) {
		t.Errorf("an edit ran %q, not %q", f.log, want)
	}
}

// The second run writes the same bytes: the watcher reports no change, but the
// modification time shows that the rule has written the file.
func TestRulesKnowAnOutputThatWasWrittenAgain(t *testing.T) {
	f := newFakeEngine(t, "a, b: one")
	f.do("a", "b", "-")
	f.Modified("a", f.now) // no file that it runs for now
	f.Modified("b", f.now.Add(-time.Minute))
	f.do("-", "a", "b", "-")
	if f.running == nil {
		t.Error("a file that was not written again is taken for an output")
	}
	f.Modified("b", f.now)
	f.do("-", "a", "b", "-")
	if f.running != nil {
		t.Error("a file that was written again is taken for an edit")
	}
}

func TestRunsAreStaleOnlyWhenAnInputChanges(t *testing.T) {
	f := newFakeEngine(t, "a, b: one")
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
	f := newFakeEngine(t, "a: one", "b: two")
	f.do("a", "!")
	if !f.Failed() || f.Busy() {
		t.Errorf("failed %v, busy %v", f.Failed(), f.Busy())
	}
	f.do("b", "-", "-")
	if f.Failed() || f.Busy() {
		t.Errorf("failed %v, busy %v: %q", f.Failed(), f.Busy(), f.log)
	}
}

// A change that is reported late is still assigned to the run during which the
// file was written.
func TestRulesKnowWhatTheyWroteByItsTime(t *testing.T) {
	f := newFakeEngine(t, "a, g: one")
	f.do("a", "-")
	written := f.now.Add(-time.Second / 2)
	f.after(60)
	f.Changed([]Change{{Path: "g", At: written, Generated: true}})
	if f.begin(); len(f.log) != 1 {
		t.Errorf("%q", f.log)
	}
}

// After the last edit the runs end, and for each edit there is a run that began
// after it.
func FuzzRules(f *testing.F) {
	f.Add([]byte("a-b-ab-!a-"))
	f.Add([]byte("aAbB--x-"))
	f.Fuzz(func(t *testing.T, words []byte) {
		f := newFakeEngine(t, "a, b: one", "b, c: two")
		lastEdit := map[string]time.Time{}
		for _, w := range words {
			switch {
			case w == 'a' || w == 'b' || w == 'c':
				f.after(1)
				c := Change{Path: string(w), At: f.now}
				if !f.mayHaveWritten(c) {
					lastEdit[c.Path] = f.now
				}
				f.Changed([]Change{c})
				f.begin()
			case f.running == nil:
			case w == '-' || w == '!' || w == 'x':
				f.do(string(w))
			}
		}
		for range 4 * maxRuns * len(f.states) {
			if f.running != nil {
				f.do("-")
			}
		}
		if f.running != nil {
			t.Fatalf("the runs never end: %q", f.log)
		}
		for _, s := range f.states {
			for file, at := range lastEdit {
				if s.matches(Change{Path: file}) && (s.Began.Before(at) && s.runs < maxRuns) {
					t.Errorf("%s changed at %v, and %s ran last at %v", file, at, s.Title(), s.Began)
				}
			}
		}
	})
}

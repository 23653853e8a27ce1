package churn

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Each step is a word: "start" and "serves" are of a worker, any other is a
// batch of files, joined by "+", that changes a millisecond later. "pause"
// lets the start be over.
func TestChurnOfAProgramThatWrites(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		steps string
		again int    // how often the steps are done
		own   string // what is recognized, in order
		left  string // what still matters in the last round
	}{
		{"a file written at each start", "start serves a", ManyStarts + 1, "a", ""},
		{"… one start too few", "start serves a", ManyStarts, "", "a"},
		{"… before it serves", "start a serves", ManyStarts + 1, "a", ""},
		{"two files, one after the other", "start a serves b", ManyStarts + 1, "a b", ""},
		{"a file that is not always among them", "start a serves b pause start a serves", ManyStarts, "a", "b"},
		{"edits after the start", "start serves pause a", 3 * ManyStarts, "", "a"},
		{"an edit among them", "start serves a pause main.go", 3 * ManyStarts, "", "a main.go"},
		{"another file each time", "start serves a start serves b", ManyStarts, "", "a b"},
		{"starts without a change", "start serves pause", 3 * ManyStarts, "", ""},
		{"an edit in the same batch as a known file", "start serves a+main.go start serves a", ManyStarts, "a", "main.go"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, now := NewDetector(), time.Unix(1000, 0)
			var left []string
			writes := writes{}
			round := func() {
				left = nil
				for step := range strings.FieldsSeq(test.steps) {
					now = now.Add(time.Millisecond)
					switch step {
					case "start":
						c.Starting()
					case "serves":
						c.Started(now)
					case "pause":
						now = now.Add(2 * StartSlack)
					default:
						left = append(left, c.Changed(writes.to(strings.Split(step, "+")), now, writes.last)...)
					}
				}
			}
			for range test.again {
				round()
			}
			var recognized []string
			for matter := left; len(c.trial) > 0; left = matter {
				round()
				own, _, again := c.Judge(now.Add(2*StartSlack), writes.last)
				if len(again) == 0 {
					recognized = own
				}
			}
			slices.Sort(left)
			if got := strings.Join(recognized, " "); got != test.own {
				t.Errorf("recognized %q, want %q", got, test.own)
			}
			if got := strings.Join(left, " "); got != test.left {
				t.Errorf("left %q, want %q", got, test.left)
			}
		})
	}
}

// writes counts those to each file, which is all that a modification time tells.
type writes map[string]int64

func (w writes) to(paths []string) []string {
	for _, path := range paths {
		w[path]++
	}
	return paths
}

func (w writes) last(path string) time.Time { return time.Unix(w[path], 0) }

// An editor, or a test, may wait until an edit is served and then edit at once, again
// and again. No edit is left out.
func TestChurnOfAnEditorThatWaits(t *testing.T) {
	t.Parallel()
	c, now, writes := NewDetector(), time.Unix(1000, 0), writes{}
	served := 0
	for edit := range 5 * ManyStarts {
		c.Starting()
		c.Started(now)
		served += len(c.Changed(writes.to([]string{"a"}), now, writes.last))
		if c.WantsTrial() {
			c.Starting()
			if own, edited, again := c.Judge(now.Add(time.Minute), writes.last); own != nil || edited != nil || again != nil {
				t.Fatalf("edit %d is judged during the start", edit)
			}
			c.Started(now)
			now = now.Add(2 * StartSlack)
			own, edited, again := c.Judge(now, writes.last)
			if own != nil || again != nil {
				t.Fatalf("edit %d of %q is taken for one of the program", edit, own)
			}
			served += len(c.Changed(edited, now, writes.last))
		}
	}
	if served != 5*ManyStarts {
		t.Errorf("%d of %d edits matter", served, 5*ManyStarts)
	}
}

// A file that is known to be the program's own counts again once it changes
// at another time, and is not known then.
func TestChurnForgets(t *testing.T) {
	t.Parallel()
	c, now, writes := NewDetector(), time.Unix(1000, 0), writes{}
	change := func(path string, at time.Time) []string {
		return c.Changed(writes.to([]string{path}), at, writes.last)
	}
	var own []string
	for range ManyStarts + 3 {
		c.Starting()
		c.Started(now)
		change("a", now)
		own, _, _ = c.Judge(now.Add(time.Minute), writes.last)
	}
	if len(own) != 1 {
		t.Fatalf("%q are recognized", own)
	}
	change("main.go", now.Add(time.Minute))
	c.Starting()
	if matter := change("a", now); matter != nil {
		t.Errorf("after an edit of another file %q matters", matter)
	}
	c.Started(now)
	for _, at := range []time.Time{now.Add(time.Minute), now} {
		if matter := change("a", at); len(matter) != 1 {
			t.Errorf("at %v %q matters", at, matter)
		}
	}
}

func TestChurnDuringBuilds(t *testing.T) {
	t.Parallel()
	c := NewDetector()
	for range MaxCancelled {
		if c.MustFinish() {
			t.Fatal("a build is held too early")
		}
		c.ChangedDuringBuild([]string{"count", "main.go"})
		c.BuildCancelled()
		delete(c.batches, "main.go") // it changed once
	}
	c.ChangedDuringBuild([]string{"count"})
	if !c.MustFinish() {
		t.Error("the next build may be cancelled")
	}
	if got := c.Busy(); !slices.Equal(got, []string{"count"}) {
		t.Errorf("named: %q", got)
	}
	if got := c.Busy(); got != nil {
		t.Errorf("named again: %q", got)
	}
	c.BuildFinished()
	if c.MustFinish() {
		t.Error("the build after one that has finished can't be cancelled")
	}
}

// A file that is edited before the trial's start, or that is away for a moment, as
// when its folder is renamed, is not taken for a file that the program writes.
func TestChurnOfAnEditAroundATrial(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name             string
		suspect, meeting string // what happens when the trial begins, and before its start
	}{
		{"edited before the start", "edit", "edit"},
		{"removed and created", "remove", "edit"},
		{"removed", "edit", "remove"},
		{"edited during the start", "edit", ""},
	} {
		c, now, at := NewDetector(), time.Unix(1000, 0), time.Time{}
		modified := func(string) time.Time { return at }
		matter := 0
		change := func(how string) {
			now = now.Add(time.Millisecond)
			if at = now; how == "remove" {
				at = time.Time{}
			}
			matter += len(c.Changed([]string{"a"}, now, modified))
		}
		for range ManyStarts {
			c.Starting()
			c.Started(now)
			change("edit")
		}
		c.Starting()
		c.Started(now)
		change(test.suspect)
		if test.meeting != "" {
			change(test.meeting)
		}
		c.Starting()
		if test.meeting == "" {
			change("edit")
		}
		c.Started(now)
		own, edited, again := c.Judge(now.Add(time.Minute), modified)
		if len(own) > 0 || matter-ManyStarts+len(edited)+len(again) == 0 {
			t.Errorf("%s: %q are the program's, %d changes, %q and %q matter", test.name, own, matter-ManyStarts, edited, again)
		}
	}
}

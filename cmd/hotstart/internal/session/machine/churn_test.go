package machine

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
		{"a file written at each start", "start serves a", manyRounds + 1, "a", ""},
		{"… one start too few", "start serves a", manyRounds, "", "a"},
		{"… before it serves", "start a serves", manyRounds + 1, "a", ""},
		{"two files, one after the other", "start a serves b", manyRounds + 1, "a b", ""},
		{"a file that is not always among them", "start a serves b pause start a serves", manyRounds, "a", "b"},
		{"edits after the start", "start serves pause a", 3 * manyRounds, "", "a"},
		{"an edit among them", "start serves a pause main.go", 3 * manyRounds, "", "a main.go"},
		{"another file each time", "start serves a start serves b", manyRounds, "", "a b"},
		{"starts without a change", "start serves pause", 3 * manyRounds, "", ""},
		{"an edit in the same batch as a known file", "start serves a+main.go start serves a", manyRounds, "a", "main.go"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, now := newChurn(), time.Unix(1000, 0)
			var left []string
			writes := writes{}
			round := func() {
				left = nil
				for step := range strings.FieldsSeq(test.steps) {
					now = now.Add(time.Millisecond)
					switch step {
					case "start":
						c.starts()
					case "serves":
						c.settles(now)
					case "pause":
						now = now.Add(2 * startSlack)
					default:
						left = append(left, c.changes(writes.to(strings.Split(step, "+")), now, writes.last)...)
					}
				}
			}
			for range test.again {
				round()
			}
			var recognized []string
			if len(c.trial) > 0 {
				matter := left
				round()
				left = matter
				recognized, _ = c.judge(now.Add(2*startSlack), writes.last)
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
	c, now, writes := newChurn(), time.Unix(1000, 0), writes{}
	served := 0
	for edit := range 5 * manyRounds {
		c.starts()
		c.settles(now)
		served += len(c.changes(writes.to([]string{"a"}), now, writes.last))
		if c.wantsTrial() {
			c.starts()
			if own, edited := c.judge(now.Add(time.Minute), writes.last); own != nil || edited != nil {
				t.Fatalf("edit %d is judged during the start", edit)
			}
			c.settles(now)
			now = now.Add(2 * startSlack)
			own, edited := c.judge(now, writes.last)
			if own != nil {
				t.Fatalf("edit %d of %q is taken for one of the program", edit, own)
			}
			served += len(c.changes(edited, now, writes.last))
		}
	}
	if served != 5*manyRounds {
		t.Errorf("%d of %d edits matter", served, 5*manyRounds)
	}
}

// A file that is known to be the program's own counts again once it changes
// at another time, and is not known then.
func TestChurnForgets(t *testing.T) {
	t.Parallel()
	c, now, writes := newChurn(), time.Unix(1000, 0), writes{}
	change := func(path string, at time.Time) []string {
		return c.changes(writes.to([]string{path}), at, writes.last)
	}
	for range manyRounds + 2 {
		c.starts()
		c.settles(now)
		change("a", now)
	}
	if own, _ := c.judge(now.Add(time.Minute), writes.last); len(own) != 1 {
		t.Fatalf("%q are recognized", own)
	}
	change("main.go", now.Add(time.Minute))
	c.starts()
	if matter := change("a", now); matter != nil {
		t.Errorf("after an edit of another file %q matters", matter)
	}
	c.settles(now)
	for _, at := range []time.Time{now.Add(time.Minute), now} {
		if matter := change("a", at); len(matter) != 1 {
			t.Errorf("at %v %q matters", at, matter)
		}
	}
}

func TestChurnDuringBuilds(t *testing.T) {
	t.Parallel()
	c := newChurn()
	for range maxCancelled {
		if c.holds() {
			t.Fatal("a build is held too early")
		}
		c.changesDuringBuild([]string{"count", "main.go"})
		c.cancels()
		delete(c.batches, "main.go") // it changed once
	}
	c.changesDuringBuild([]string{"count"})
	if !c.holds() {
		t.Error("the next build may be cancelled")
	}
	if got := c.busy(); !slices.Equal(got, []string{"count"}) {
		t.Errorf("named: %q", got)
	}
	if got := c.busy(); got != nil {
		t.Errorf("named again: %q", got)
	}
	c.finishes()
	if c.holds() {
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
	} {
		c, now, at := newChurn(), time.Unix(1000, 0), time.Time{}
		modified := func(string) time.Time { return at }
		matter := 0
		change := func(how string) {
			now = now.Add(time.Millisecond)
			if at = now; how == "remove" {
				at = time.Time{}
			}
			matter += len(c.changes([]string{"a"}, now, modified))
		}
		for range manyRounds {
			c.starts()
			c.settles(now)
			change("edit")
		}
		c.starts()
		c.settles(now)
		change(test.suspect)
		change(test.meeting)
		c.starts()
		c.settles(now)
		own, edited := c.judge(now.Add(time.Minute), modified)
		if len(own) > 0 || matter-manyRounds+len(edited) == 0 {
			t.Errorf("%s: %q are the program's, %d changes and %q matter", test.name, own, matter-manyRounds, edited)
		}
	}
}

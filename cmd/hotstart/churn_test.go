package main

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
			var left, recognized []string
			for range test.again {
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
						matter, own := c.changes(strings.Split(step, "+"), now)
						left, recognized = append(left, matter...), append(recognized, own...)
					}
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

// A file that is known to be the program's own counts again once it changes
// at another time, and is not known then.
func TestChurnForgets(t *testing.T) {
	t.Parallel()
	c, now := newChurn(), time.Unix(1000, 0)
	for range manyRounds + 1 {
		c.starts()
		c.settles(now)
		c.changes([]string{"a"}, now)
	}
	c.changes([]string{"main.go"}, now.Add(time.Minute))
	c.starts()
	if matter, own := c.changes([]string{"a"}, now); matter != nil || own != nil {
		t.Errorf("after an edit of another file %q matters, %q is recognized", matter, own)
	}
	c.settles(now)
	for _, at := range []time.Time{now.Add(time.Minute), now} {
		if matter, _ := c.changes([]string{"a"}, at); len(matter) != 1 {
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

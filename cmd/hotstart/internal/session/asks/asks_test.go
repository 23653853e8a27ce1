package asks

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Each story is a list of words: "ask N" and "leave N" are of a client, "busy" and "idle"
// say whether something is under way, and "checked" ends a check. In want, "check" is the
// begin of a check and "N" an answer.
func TestQueue(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct{ events, want string }{
		"a question on a quiet project is answered after a check":        {"ask1 checked", "check 1"},
		"a question waits until nothing is under way":                    {"busy ask1 busy idle checked", "check 1"},
		"something that begins during a check makes the check worthless": {"ask1 busy checked idle checked", "check check 1"},
		"something short during a check makes it worthless, too":         {"ask1 busy idle checked checked", "check check 1"},
		"a question during a check waits for the next check":             {"ask1 ask2 checked checked", "check 1 check 2"},
		"a client that leaves gets no answer":                            {"ask1 ask2 leave1 checked checked", "check check 2"},
		"nobody asks, nothing is checked":                                {"busy idle busy idle", ""},
		"a check that nobody waits for any more is the last":             {"ask1 leave1 checked idle", "check"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := play(strings.Fields(story.events)); got != story.want {
				t.Errorf("%s led to %q, want %q", story.events, got, story.want)
			}
		})
	}
}

func play(events []string) string {
	var q Queue
	var got []string
	settled := true
	for _, e := range events {
		n := 0
		switch fmt.Sscanf(strings.TrimLeft(e, "asklev"), "%d", &n); {
		case strings.HasPrefix(e, "ask"):
			q.Add(n)
		case strings.HasPrefix(e, "leave"):
			q.Remove(n)
		case e == "checked":
			for _, id := range q.Confirmed(settled) {
				got = append(got, fmt.Sprint(id))
			}
		default:
			settled = e == "idle"
		}
		if q.Advance(settled) {
			got = append(got, "check")
		}
	}
	return strings.Join(got, " ")
}

// However many clients ask, each of them is answered in the end.
func TestNobodyStarves(t *testing.T) {
	t.Parallel()
	var q Queue
	var answered []int
	for id := range 100 { // a question during each check
		q.Add(id)
		q.Advance(true)
		q.Add(1000 + id)
		answered = append(answered, q.Confirmed(true)...)
	}
	q.Advance(true)
	answered = append(answered, q.Confirmed(true)...)
	slices.Sort(answered)
	if len(answered) != 200 || len(slices.Compact(answered)) != 200 {
		t.Errorf("%d answers", len(answered))
	}
	if left := q.Close(); len(left) != 0 {
		t.Errorf("%d questions are left", len(left))
	}
}

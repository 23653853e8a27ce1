package worker

import "testing"

func TestStop(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		steps string // e enter, l leave, b begin
		done  bool
	}{
		{"serving", "e", false},
		{"served, failed", "el", false},
		{"begun while serving", "eb", false},
		{"begun, drained", "ebl", true},
		{"one of two drained", "eebl", false},
		{"both drained", "eebll", true},
		{"begun with nothing served", "b", true},
		{"begun twice", "ebbl", true},
		{"one failed, then begun", "elb", true},
		{"one came late", "ebl" + "el", true},
	}
	for _, test := range tests {
		s := newStop()
		for _, step := range test.steps {
			map[rune]func(){'e': s.enter, 'l': s.leave, 'b': s.begin}[step]()
		}
		if isDone(s.done) != test.done {
			t.Errorf("%s: done is %v", test.name, !test.done)
		}
	}
}

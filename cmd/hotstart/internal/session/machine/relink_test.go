package machine

import (
	"strings"
	"syscall"
	"testing"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
)

func deltaBuild(seq int, name string) Built {
	b := fastBuild(seq, name)
	b.Binary.LinkedBy = builder.LinkedByDelta
	return b
}

func relinks(name string) Relinked {
	return Relinked{&builder.Binary{Path: name, ID: name, FastBuild: true, LinkedBy: builder.LinkedByOrdinary}}
}

// fault is the failure of a start that may be the fault of a link.
func fault(generation int) WorkerEvent { return fails(generation).by(syscall.SIGSEGV) }

func (e WorkerEvent) by(sig syscall.Signal) WorkerEvent {
	e.Status = syscall.WaitStatus(sig)
	return e
}

func (e WorkerEvent) saying(message string) WorkerEvent {
	e.Exit = report.Exit{Output: []string{message}, Panic: []builder.Diagnostic{{Message: message}}}
	return e
}

// A program that was linked by delta and fails is linked again before the user reads of it.
func TestRelink(t *testing.T) {
	b := deltaBuild(2, "b")
	deltaStarts := after(firstServes,
		moment{5, saves("x.go"), "build 2"},
		moment{5.1, b, "compare x.go, start b"},
		moment{5.2, starts(2), ""})
	deltaServes := after(deltaStarts, moment{5.3, serves(2), "Serving, after 2"})
	for _, test := range []struct {
		name   string
		policy Policy
		story  []moment
		err    error
	}{
		{
			name: "a start that fails because of the link is not reported",
			story: after(deltaStarts,
				moment{5.3, fault(2), "relink b, remove b"},
				moment{5.5, relinks("b2"), "start b2"},
				moment{5.6, starts(3), ""},
				moment{5.7, serves(3), "Serving, distrust delta, after 3"},
				moment{6.6, Tick{}, "check b2"}),
		},
		{
			name: "a start that fails with both links is reported once",
			story: after(deltaStarts,
				moment{5.3, fault(2), "relink b, remove b"},
				moment{5.5, relinks("b2"), "start b2"},
				moment{5.6, starts(3), ""},
				moment{5.7, fails(3), "StartFailed, remove b2, status: worker 3 failed to start, page"}),
		},
		{
			name: "a failure is reported if the program can't be linked again",
			story: after(deltaStarts,
				moment{5.3, fault(2), "relink b, remove b"},
				moment{5.5, Relinked{}, "StartFailed, status: worker 2 failed to start, page"}),
		},
		{
			name: "a client waits for the result of the second link",
			story: after(deltaStarts,
				moment{5.3, fault(2), "relink b, remove b"},
				moment{5.4, Asked{1}, ""},
				moment{5.5, relinks("b2"), "start b2"},
				moment{5.6, starts(3), ""},
				moment{5.7, serves(3), "Serving, distrust delta, after 3, confirm"},
				moment{5.8, Confirmed{}, "answer 1 served"}),
		},
		{
			name: "nothing is reported if newer code is built in the meantime",
			story: after(deltaStarts,
				moment{5.3, fault(2), "relink b, remove b"},
				moment{5.4, saves("x.go"), "build 3"},
				moment{5.5, relinks("b2"), "remove b2"},
				moment{5.6, deltaBuild(3, "c"), "compare x.go, start c"}),
		},
		{
			name: "an older link does not replace newer code that serves",
			story: after(deltaStarts,
				moment{5.3, fault(2), "relink b, remove b"},
				moment{5.4, saves("x.go"), "build 3"},
				moment{5.5, deltaBuild(3, "c"), "compare x.go, start c"},
				moment{5.6, starts(3), ""},
				moment{5.7, serves(3), "Serving, after 3"},
				moment{8, relinks("b2"), "remove b2, check c"}),
		},
		{
			name: "an older link that fails is not the failure of newer code that serves",
			story: after(deltaStarts,
				moment{5.3, fault(2), "relink b, remove b"},
				moment{5.4, saves("x.go"), "build 3"},
				moment{5.5, deltaBuild(3, "c"), "compare x.go, start c"},
				moment{5.6, starts(3), ""},
				moment{5.7, serves(3), "Serving, after 3"},
				moment{8, Relinked{}, "check c"},
				moment{9, Asked{1}, "confirm"},
				moment{9.1, Confirmed{}, "answer 1 served"}),
		},
		{
			name: "an exit, a panic or a start without an end are reported at once",
			story: after(deltaStarts,
				moment{5.3, fails(2).saying("panic: no"), "StartFailed, remove b, status: worker 2 failed to start, page"}),
		},
		{
			name:  "a fault of a program that has served is reported like any other",
			story: after(deltaServes, moment{9, dies(2).by(syscall.SIGSEGV), "Crashed, check b"}),
		},
		{
			name: "a fault of a program whose link was verified is reported at once",
			story: after(deltaStarts,
				moment{6.3, Tick{}, "check b"},
				moment{7, Checked{Built: Built{Seq: 2}, Verified: b.Binary}, ""},
				moment{9, fault(2), "StartFailed, remove b, status: worker 2 failed to start, page"}),
		},
		{
			name: "a difference that is found while newer code is built ends links by delta, too",
			story: after(deltaServes,
				moment{6.3, Tick{}, "check b"},
				moment{6.9, saves("x.go"), "cancel check, build 3"},
				moment{7, Checked{Built: wrongDelta(2, "go")}, "distrust delta, remove go"}),
		},
		{
			name: "a program that the ordinary linker has linked is not linked again",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{5.1, fastBuild(2, "b"), "compare x.go, start b"},
				moment{5.2, starts(2), ""},
				moment{5.3, fails(2).by(syscall.SIGSEGV), "StartFailed, remove b, status: worker 2 failed to start, page"}),
		},
		{
			name:   "the session ends with the program only after the second failure",
			policy: Policy{Exit: true},
			story: []moment{
				{0, Began{}, "Building, list, build 1"},
				{0.1, lists(), "watch"},
				{1, deltaBuild(1, "a"), "start a"},
				{1.1, starts(1), ""},
				{1.2, fault(1), "relink a, remove a"},
				{1.5, relinks("a2"), "start a2"},
				{1.6, starts(2), ""},
				{1.7, fails(2), "StartFailed, remove a2, stop, status: worker 2 failed to start"},
			},
			err: errFailed,
		},
		{
			name: "a link that ends after the stop is removed",
			story: after(deltaStarts,
				moment{5.3, fault(2), "relink b, remove b"},
				moment{5.4, StopAsked{}, "Stopping, stop"},
				moment{5.5, relinks("b2"), "remove b2"}),
		},
		{
			name: "a difference of the links is reported, and the other binary is started",
			story: after(deltaServes,
				moment{6.3, Tick{}, "check b"},
				moment{7, Checked{Built: wrongDelta(2, "go")}, "distrust delta, start go"}),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStory(t, test.policy, nil)
			s.tell(test.story)
			if err := s.m.Result(nil); (err == nil) != (test.err == nil) {
				t.Errorf("the result is %v, want %v", err, test.err)
			}
		})
	}
}

func wrongDelta(seq int, name string) Built {
	b := builds(seq, name)
	b.Binary.WrongDelta = errFailed
	return b
}

// The reason that is kept has what the worker wrote.
func TestDistrustHasAReason(t *testing.T) {
	s := newStory(t, Policy{}, nil)
	s.tell(firstServes)
	s.tell([]moment{
		{4, saves("x.go"), "build 2"},
		{5, deltaBuild(2, "b"), "compare x.go, start b"},
		{5.1, starts(2), ""},
		{5.2, fails(2).saying("fatal error: wirep: already in go"), "relink b, remove b"},
		{5.3, relinks("b2"), "start b2"},
		{5.4, starts(3), ""},
	})
	for _, a := range s.m.Step(seconds(5.5), s.complete(seconds(5.5), serves(3))) {
		if d, ok := a.(DistrustDelta); ok {
			first, more, _ := strings.Cut(d.Reason, "\n")
			if !strings.Contains(first, "worker 2 (pid 102) failed to start") || more != "fatal error: wirep: already in go" {
				t.Errorf("reason %q", d.Reason)
			}
			return
		}
	}
	t.Error("the link is trusted")
}

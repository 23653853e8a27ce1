package machine

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/change"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/churn"
	"github.com/hotstart/hotstart/starter"
)

// moment is one step of a story: an event at a time, and the actions that the
// machine returns.
type moment struct {
	at    float64 // seconds since the story began
	event Event
	want  string // as written by actionText, joined by commas
}

// story is a machine with a fake clock. It answers each start as effects do.
type story struct {
	t        *testing.T
	m        *Machine
	commands map[string]*starter.Command // of the last program with this binary
	workers  map[int]*starter.Command    // by generation
	last     *starter.Command
	env      error // of the next start
}

func newStory(t *testing.T, p Policy, addresses []starter.Address, texts ...string) *story {
	t.Helper()
	return &story{
		t: t, m: New(p, addresses, engineOf(t, texts...)),
		commands: map[string]*starter.Command{}, workers: map[int]*starter.Command{},
	}
}

// engineOf returns an engine of rules whose patterns are the names of files.
func engineOf(t *testing.T, texts ...string) (e rules.Engine) {
	t.Helper()
	for _, text := range texts {
		r, err := rules.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		e.Add(r, func(c rules.Change) bool { return slices.Contains(r.Match, c.Path) })
	}
	return e
}

var storyBegin = time.Unix(1_000_000, 0)

func seconds(s float64) time.Time { return storyBegin.Add(time.Duration(s * float64(time.Second))) }

// tell plays the moments.
func (s *story) tell(moments []moment) {
	s.t.Helper()
	for _, moment := range moments {
		now := seconds(moment.at)
		if got := s.step(now, moment.event); got != moment.want {
			s.t.Fatalf("at %vs %T%+v led to\n %q, want\n %q", moment.at, moment.event, moment.event, got, moment.want)
		}
		if at := s.m.Next(); !at.IsZero() && !at.After(now) {
			s.t.Fatalf("at %vs: the next tick would be at %v, which is not later", moment.at, at.Sub(storyBegin))
		}
	}
}

func (s *story) step(now time.Time, e Event) string {
	var words []string
	for todo := s.m.Step(now, s.complete(now, e)); len(todo) > 0; todo = todo[1:] {
		if text := actionText(todo[0]); text != "" {
			words = append(words, text)
		}
		if a, ok := todo[0].(Start); ok {
			todo = append(todo, s.m.Step(now, s.answer(a))...)
		}
	}
	return strings.Join(words, ", ")
}

// answer starts a program, or fails.
func (s *story) answer(a Start) Event {
	if err := s.env; err != nil {
		s.env = nil
		return EnvInvalid{a.Program, err}
	}
	s.last = &starter.Command{Path: a.Binary.Path}
	s.commands[a.Binary.Path] = s.last
	return Started{a.Program, s.last}
}

// complete fills in what depends on earlier moments: the command of a worker,
// and the time of a build and a rule.
func (s *story) complete(now time.Time, e Event) Event {
	switch e := e.(type) {
	case invalidEnv:
		s.env = errFailed
		return e.Event
	case WorkerEvent:
		if e.Worker.Command != nil { // only its path is given
			e.Worker.Command = s.commands[e.Worker.Command.Path]
			s.workers[e.Worker.Generation] = e.Worker.Command
		} else if s.workers[e.Worker.Generation] == nil {
			s.workers[e.Worker.Generation] = s.last
		}
		e.Worker.Command = s.workers[e.Worker.Generation]
		if e.Rollback != nil {
			e.Rollback = s.commands[e.Rollback.Path]
		}
		return e
	case Built:
		if e.Began.IsZero() {
			e.Began = now.Add(-time.Second / 2)
		}
		return e
	case RuleDone:
		e.At = now
		return e
	}
	return e
}

// actionText returns an action in a few words: a report is the name of its
// type. It returns "" for actions that follow from others.
func actionText(a Action) string {
	switch a := a.(type) {
	case StartBuild:
		return fmt.Sprintf("build %d", a.Seq)
	case CancelBuild:
		return "cancel build"
	case StartCheck:
		return "check " + a.Build.Binary.Path
	case AwaitRemoval:
		return "await " + strings.Join(a.Files, " ")
	case CancelCheck:
		return "cancel check"
	case Relink:
		return "relink " + a.Binary.Path
	case DistrustDelta:
		return "distrust delta"
	case Discard:
		return "remove " + a.Path
	case List:
		return "list"
	case Inspect:
		return "inspect " + strings.Join(a.Paths, " ")
	case RunRule:
		return "run " + a.Rule.Title()
	case CancelRule:
		return "cancel rule"
	case WatchFiles:
		return "watch"
	case CompareGraph:
		return "compare " + strings.Join(a.Files, " ")
	case Start:
		return "start " + a.Binary.Path
	case RunAfter:
		return fmt.Sprintf("after %d", a.Worker.Generation)
	case Stop:
		return "stop"
	case SetFallback:
		if a.Page == nil {
			return "wait"
		}
		return "page"
	case Hold:
		text := "release"
		for i, w := range a.Workers {
			text = []string{"hold", text}[min(i, 1)] + fmt.Sprintf(" %d", w.Generation)
		}
		return text
	case Confirm:
		return "confirm"
	case Answer:
		return fmt.Sprintf("answer %d %s", a.ID, a.Outcome)
	case OpenBrowser:
		return "open " + a.URL
	case NewLine:
		return "new line"
	case ClearScreen, CloseStreams, SendInput:
		return ""
	case Tell:
		return reportText(a.Event)
	}
	panic(fmt.Sprintf("unknown action %T", a))
}

func reportText(e report.Event) string {
	name := reflect.TypeOf(e).Name()
	switch e := e.(type) {
	case report.StatusChanged:
		if e.Status.Failing == "" {
			return "status: ok"
		}
		return "status: " + e.Status.Failing
	case report.RuleDone:
		return "" // in JSON alone
	case report.ReloadBegan, report.ReloadEnded:
		return "" // see FuzzSession
	case report.WorkerEvent:
		return e.Kind.String()
	case report.Serving:
		if len(e.Styles) > 0 {
			name += " styles " + strings.Join(e.Styles, " ")
		}
	}
	if fixed := reflect.ValueOf(e).FieldByName("Fixed"); fixed.IsValid() && fixed.Bool() {
		return "fixed: " + name
	}
	return name
}

// The events of the stories.

// invalidEnv is an event that leads to a start whose environment can't be read.
type invalidEnv struct{ Event }

var errFailed = errors.New("exit status 1")

func binary(name string) *builder.Binary { return &builder.Binary{Path: name, ID: name} }

func builds(seq int, name string) Built { return Built{Seq: seq, Binary: binary(name)} }

func buildFails(seq int, temporary ...string) Built {
	return Built{Seq: seq, Err: &builder.BuildError{Diagnostics: []builder.Diagnostic{{Message: "x"}}, Temporary: temporary}}
}

func edits(e change.Effect, paths ...string) Changed {
	c := Changed{Since: seconds(1e6)}
	for _, path := range paths {
		c.Files = append(c.Files, change.File{Path: path, Effect: e})
	}
	return c
}

// saves is an edit of source files.
func saves(paths ...string) Changed { return edits(change.EffectBuild, paths...) }

func of(generation int) starter.Worker {
	return starter.Worker{Generation: generation, PID: 100 + generation}
}

func workerIs(kind starter.Kind, generation int) WorkerEvent {
	e := WorkerEvent{Event: starter.Event{Kind: kind, Worker: of(generation)}}
	switch kind {
	case starter.Failed, starter.Crashed, starter.RolledBack:
		e.Status = 1 << 8
	}
	return e
}

func starts(generation int) WorkerEvent { return workerIs(starter.Starting, generation) }
func serves(generation int) WorkerEvent { return workerIs(starter.Serving, generation) }
func fails(generation int) WorkerEvent  { return workerIs(starter.Failed, generation) }
func dies(generation int) WorkerEvent   { return workerIs(starter.Crashed, generation) }

func (e WorkerEvent) runs(name string) WorkerEvent {
	e.Worker.Command = &starter.Command{Path: name}
	return e
}

func (e WorkerEvent) backTo(name string) WorkerEvent {
	e.Rollback = &starter.Command{Path: name}
	return e
}

func lists(missing ...string) Listed { return Listed{Graph: &builder.Graph{}, Missing: missing} }

// firstServes is how most stories begin: worker 1 serves program a.
var firstServes = []moment{
	{0, Began{}, "Building, list, build 1"},
	{0.1, lists(), "watch"},
	{1, builds(1, "a"), "start a"},
	{1.1, starts(1), ""},
	{2, serves(1), "Serving, after 1"},
	{3, Tick{}, ""},
}

func after(first []moment, then ...moment) []moment { return slices.Concat(first, then) }

var port = []starter.Address{{Network: "tcp", Port: 8080}}

func TestSession(t *testing.T) {
	for _, test := range []struct {
		name      string
		policy    Policy
		addresses []starter.Address
		rules     []string
		story     []moment
		err       error // the result
	}{
		{
			name: "the first build starts its program, and a change the next one",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, builds(2, "b"), "compare x.go, start b"},
				moment{6.1, starts(2), ""},
				moment{7, serves(2), "Serving, after 2"},
				moment{8, workerIs(starter.Settled, 2), "remove a"}),
		},
		{
			name: "an edit of style sheets alone is reported as such",
			story: after(firstServes,
				moment{5, saves("x.css"), "build 2"},
				moment{6, builds(2, "b"), "compare x.css, start b"},
				moment{6.1, starts(2), ""},
				moment{7, serves(2), "Serving styles x.css, after 2"},
				moment{8, saves("y.css", "z.go"), "build 3"},
				moment{9, builds(3, "c"), "compare y.css z.go, start c"},
				moment{9.1, starts(3), ""},
				moment{10, serves(3), "Serving, remove b, after 3"},
				moment{11, edits(change.EffectRestart, "conf.css"), "start c"},
				moment{11.1, starts(4), ""},
				moment{12, serves(4), "Serving styles conf.css, after 4"},
				moment{13, KeyPressed{'r'}, "Note, start c"},
				moment{14.1, starts(5), ""},
				moment{15, serves(5), "Serving, after 5"}),
		},
		{
			name: "an edit of style sheets after a failure is an edit of what failed, too",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, buildFails(2), "compare x.go, BuildFailed, status: the build failed, page"},
				moment{7, saves("x.css"), "build 3, wait"},
				moment{8, builds(3, "b"), "compare x.css, start b"},
				moment{8.1, starts(2), "status: the build failed"},
				moment{9, serves(2), "fixed: Serving, after 2, status: ok"}),
		},
		{
			name: "an edit of style sheets after one that was undone is an edit of style sheets alone",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, buildFails(2), "compare x.go, BuildFailed, status: the build failed, page"},
				moment{7, saves("x.go"), "build 3, wait"},
				moment{8, builds(3, "a"), "compare x.go, fixed: Unchanged, remove a, status: ok"},
				moment{9, saves("x.css"), "build 4"},
				moment{10, builds(4, "b"), "compare x.css, start b"},
				moment{10.1, starts(2), ""},
				moment{11, serves(2), "Serving styles x.css, after 2"}),
		},
		{
			name: "style sheets of a program that never served are reported with the next one",
			story: after(firstServes,
				moment{5, saves("x.css"), "build 2"},
				moment{6, builds(2, "b"), "compare x.css, start b"},
				moment{6.1, starts(2), ""},
				moment{6.2, saves("y.css"), "build 3"},
				moment{6.3, builds(3, "c"), "compare y.css, start c"},
				moment{6.4, starts(3), ""},
				moment{7, serves(3), "Serving styles x.css y.css, remove b, after 3"}),
		},
		{
			name: "a build of the same program does not start it",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, builds(2, "a"), "compare x.go, Unchanged, remove a"}),
		},
		{
			name: "SIGHUP builds and starts even the same program",
			story: after(firstServes,
				moment{5, Signaled{syscall.SIGHUP}, "Note, list, build 2"},
				moment{6, builds(2, "a"), "start a"}),
		},
		{
			name: "an edit during a build cancels the build",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{5.5, saves("y.go"), "cancel build, build 3"},
				moment{5.6, builds(2, "b"), "remove b"},
				moment{6, builds(3, "c"), "compare x.go y.go, start c"}),
		},
		{
			name: "a build after three cancelled ones is finished, and then the next one starts",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, saves("x.go"), "cancel build, build 3"},
				moment{7, saves("x.go"), "cancel build, build 4"},
				moment{8, saves("x.go"), "cancel build, build 5"},
				moment{9, saves("x.go"), "BusyFiles"},
				moment{9.5, saves("x.go"), ""},
				moment{10, builds(5, "b"), "compare x.go, start b, build 6"},
				moment{11, builds(6, "c"), "compare x.go, start c"}),
		},
		{
			name: "a failed build keeps the worker, and the status line says so until a build succeeds",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, buildFails(2), "compare x.go, BuildFailed, status: the build failed, page"},
				moment{7, saves("x.go"), "build 3, wait"},
				moment{8, builds(3, "a"), "compare x.go, fixed: Unchanged, remove a, status: ok"}),
		},
		{
			name: "a first build that fails answers connections with its errors",
			story: []moment{
				{0, Began{}, "Building, list, build 1"},
				{1, buildFails(1), "BuildFailed, status: the build failed, page"},
				{2, lists(), "watch"},
				{5, saves("x.go"), "build 2, wait"},
				{6, builds(2, "a"), "compare x.go, start a"},
				{6.1, starts(1), "status: the build failed"},
				{7, serves(1), "fixed: Serving, after 1, status: ok"},
			},
		},
		{
			name: "an error of the command line at the first build ends the session",
			story: []moment{
				{0, Began{}, "Building, list, build 1"},
				{1, Built{Seq: 1, Err: errFailed, InvalidCommand: true}, "stop"},
			},
			err: errFailed,
		},
		{
			name: "an error of the command line at a later build is a failed build",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, Built{Seq: 2, Err: errFailed, InvalidCommand: true}, "compare x.go, BuildImpossible, status: the build failed, page"}),
		},
		{
			name: "a build that failed because of temporary files is repeated without them",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, buildFails(2, "x.go~"), "compare x.go, BuildFailed, await x.go~, status: the build failed, page"},
				moment{7, Removed{}, "cancel check, build 3, wait"}),
		},
		{
			name: "a failed start of the newest code keeps the older program",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, builds(2, "b"), "compare x.go, start b"},
				moment{6.1, starts(2), ""},
				moment{7, fails(2), "StartFailed, remove b, status: worker 2 failed to start, page"},
				moment{8, saves("x.go"), "build 3, wait"},
				moment{9, builds(3, "a"), "compare x.go, fixed: Unchanged, remove a, status: ok"}),
		},
		{
			name:   "clients wait from an edit until newer code serves",
			policy: Policy{Fresh: time.Second},
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2, hold 1"},
				moment{5.5, saves("x.go"), "cancel build, build 3"},
				moment{6, builds(3, "b"), "compare x.go, start b"},
				moment{6.1, starts(2), ""},
				moment{7, serves(2), "Serving, after 2, release"}),
		},
		{
			name:   "clients of a worker that starts wait for code that is newer still",
			policy: Policy{Fresh: time.Second},
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2, hold 1"},
				moment{6, builds(2, "b"), "compare x.go, start b"},
				moment{6.1, starts(2), ""},
				moment{6.2, saves("x.go"), "build 3, hold 2 1"},
				moment{6.3, serves(2), "Serving, after 2, hold 2"},
				moment{7, builds(3, "b"), "compare x.go, Unchanged, remove b, release"}),
		},
		{
			name:   "clients wait no longer when newer code does not build or start",
			policy: Policy{Fresh: time.Second},
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2, hold 1"},
				moment{6, buildFails(2), "compare x.go, BuildFailed, status: the build failed, page, release"},
				moment{7, saves("x.go"), "build 3, wait, hold 1"},
				moment{8, builds(3, "b"), "compare x.go, start b"},
				moment{8.1, starts(2), "status: the build failed"},
				moment{9, fails(2), "StartFailed, remove b, status: worker 2 failed to start, page, release"}),
		},
		{
			name:   "clients of a worker that is started again after a crash wait, too",
			policy: Policy{Fresh: time.Second},
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2, hold 1"},
				moment{5.1, dies(1), "Crashed, release"},
				moment{5.2, starts(2).runs("a"), "hold 2"},
				moment{5.3, serves(2), "Serving, after 2"}),
		},
		{
			name:   "clients do not wait for an end of the session",
			policy: Policy{Fresh: time.Second},
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2, hold 1"},
				moment{6, Signaled{syscall.SIGTERM}, "Stopping, cancel build, stop, release"}),
		},
		{
			name: "a wait is answered when the newest code is served, after a check",
			story: after(firstServes,
				moment{5, Asked{1}, "confirm"},
				moment{5.1, Confirmed{}, "answer 1 served"},
				moment{6, saves("x.go"), "build 2"},
				moment{6.1, Asked{2}, ""},
				moment{7, builds(2, "b"), "compare x.go, start b"},
				moment{7.1, starts(2), ""},
				moment{8, serves(2), "Serving, after 2, confirm"},
				moment{8.1, Confirmed{}, "answer 2 served"}),
		},
		{
			name: "an edit that the check of a wait reveals is served before the answer",
			story: after(firstServes,
				moment{5, Asked{1}, "confirm"},
				moment{5.1, saves("x.go"), "build 2"},
				moment{5.2, Confirmed{}, ""},
				moment{6, buildFails(2), "compare x.go, BuildFailed, status: the build failed, page, confirm"},
				moment{6.1, Confirmed{}, "answer 1 failed"}),
		},
		{
			name:  "a wait is answered with the failure of a rule, and with invalid settings",
			rules: []string{"a.t: one"},
			story: []moment{
				{0, Began{}, "Building, watch, run one"},
				{0.1, Asked{1}, "list"},
				{0.2, lists(), "watch"},
				{1, RuleDone{Err: errFailed}, ""},
				{1.1, Tick{}, "RuleFailed, status: one failed, page, confirm"},
				{1.2, Confirmed{}, "answer 1 failed"},
				{2, SettingsInvalid{Err: errFailed}, "SettingsRefused, watch"},
				{3, Asked{2}, "confirm"},
				{3.1, Confirmed{}, "answer 2 failed"},
			},
		},
		{
			name: "a worker that crashes and is started again is waited for",
			story: after(firstServes,
				moment{5, WorkerEvent{Event: starter.Event{Kind: starter.Crashed, Worker: of(1), Status: 1 << 8, Restarting: true}}, "Crashed"},
				moment{5.1, Asked{1}, ""},
				moment{6, starts(2), ""},
				moment{7, serves(2), "Serving, after 2, confirm"},
				moment{7.1, Confirmed{}, "answer 1 served"}),
		},
		{
			name: "a wait before the first build of a postponed session fails, and the end answers every wait",
			story: []moment{
				{0, Began{Postpone: true}, "Postponed, list"},
				{1, Asked{1}, ""},
				{2, lists(), "watch, confirm"},
				{3, Confirmed{}, "answer 1 failed"},
				{4, Asked{2}, "confirm"},
				{5, Signaled{syscall.SIGTERM}, "Stopping, stop, answer 2 stopping"},
				{6, Asked{3}, "answer 3 stopping"},
			},
		},
		{
			name: "a reload that a client asks for builds and starts the same program",
			story: after(firstServes,
				moment{5, ReloadAsked{}, "Note, list, build 2"},
				moment{5.1, Asked{1}, ""},
				moment{5.2, lists(), "watch"},
				moment{6, builds(2, "a"), "start a"},
				moment{6.1, starts(2), ""},
				moment{7, serves(2), "Serving, after 2, confirm"},
				moment{7.1, Withdrawn{1}, ""},
				moment{7.2, Confirmed{}, ""}),
		},
		{
			name: "a failed first start leaves nothing to start again",
			story: []moment{
				{0, Began{}, "Building, list, build 1"},
				{1, builds(1, "a"), "start a"},
				{1.1, starts(1), ""},
				{2, fails(1), "StartFailed, remove a, status: worker 1 failed to start, page"},
				{3, KeyPressed{'r'}, "Note, build 2, wait"},
				{4, builds(2, "a"), "start a"},
			},
		},
		{
			name: "a start that takes long is explained, and one that takes too long has failed",
			story: []moment{
				{0, Began{}, "Building, list, build 1"},
				{1, builds(1, "a"), "start a"},
				{2, starts(1), ""},
				{4.9, Tick{}, ""},
				{5, Tick{}, "SlowStart"},
				{32, workerIs(starter.TimedOut, 1), "StartFailed, remove a, status: worker 1 failed to start, page"},
			},
		},
		{
			name: "a program for another machine is explained",
			story: []moment{
				{0, Began{}, "Building, list, build 1"},
				{1, builds(1, "a"), "start a"},
				{2, WorkerEvent{Event: starter.Event{Kind: starter.Failed, Worker: of(1), Err: syscall.ENOEXEC}},
					"StartFailed, WrongTarget, remove a, status: worker 1 failed to start, page"},
			},
		},
		{
			name: "a worker that is started while another serves keeps its status until it serves",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, buildFails(2), "compare x.go, BuildFailed, status: the build failed, page"},
				moment{7, saves("x.go"), "build 3, wait"},
				moment{8, builds(3, "c"), "compare x.go, start c"},
				moment{8.1, starts(2), "status: the build failed"},
				moment{9, serves(2), "fixed: Serving, after 2, status: ok"}),
		},
		{
			name: "a restart of older code does not fix a failed build",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, buildFails(2), "compare x.go, BuildFailed, status: the build failed, page"},
				moment{7, dies(1), "Crashed, status: the build failed"},
				moment{7.1, starts(2).runs("a"), "status: the build failed"},
				moment{8, serves(2), "Serving, after 2, status: the build failed"}),
		},
		{
			name: "a worker that crashes early returns to the last good program",
			story: after(firstServes,
				moment{5, workerIs(starter.Settled, 1), ""},
				moment{6, saves("x.go"), "build 2"},
				moment{7, builds(2, "b"), "compare x.go, start b"},
				moment{7.1, starts(2), ""},
				moment{8, serves(2), "Serving, after 2"},
				moment{9, workerIs(starter.RolledBack, 2).backTo("a"), "RolledBack, status: worker 2 died, page"},
				moment{9.1, starts(3).runs("a"), "status: worker 2 died"},
				moment{10, serves(3), "Serving, remove b, after 3, status: worker 2 died"},
				moment{11, KeyPressed{'r'}, "Note, build 3, wait"}),
		},
		{
			name: "a rollback to a program of the same code ends the failure when it serves",
			story: after(firstServes,
				moment{5, workerIs(starter.Settled, 1), ""},
				moment{6, Signaled{syscall.SIGHUP}, "Note, list, build 2"},
				moment{7, Built{Seq: 2, Binary: &builder.Binary{Path: "b", ID: "a"}}, "start b"},
				moment{7.1, starts(2), ""},
				moment{8, serves(2), "Serving, after 2"},
				moment{9, workerIs(starter.RolledBack, 2).backTo("a"), "RolledBack, status: worker 2 died, page"},
				moment{9.1, starts(3).runs("a"), "status: worker 2 died"},
				moment{10, serves(3), "fixed: Serving, remove b, after 3, status: ok, wait"}),
		},
		{
			name: "a program that crashes repeatedly waits for a change",
			story: after(firstServes,
				moment{5, dies(1), "Crashed"},
				moment{5, WorkerEvent{Event: starter.Event{Kind: starter.GaveUp, Worker: of(1), Failures: 5}}, "GaveUp, status: the program crashes repeatedly, page"},
				moment{6, saves("x.go"), "build 2, wait"},
				moment{7, builds(2, "a"), "compare x.go, start a"}),
		},
		{
			name: "a program that crashed repeatedly is kept until a newer one has proven itself",
			story: after(firstServes,
				moment{5, WorkerEvent{Event: starter.Event{Kind: starter.GaveUp, Worker: of(1), Failures: 5}}, "GaveUp, status: the program crashes repeatedly, page"},
				moment{6, saves("x.go"), "build 2, wait"},
				moment{7, builds(2, "b"), "compare x.go, start b"},
				moment{7.1, starts(2), "status: the program crashes repeatedly"},
				moment{8, serves(2), "fixed: Serving, after 2, status: ok"},
				moment{9, workerIs(starter.Settled, 2), "remove a"}),
		},
		{
			name: "code whose build began before the older program gave up fixes that",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{5.9, dies(1), "Crashed"},
				moment{5.9, WorkerEvent{Event: starter.Event{Kind: starter.GaveUp, Worker: of(1), Failures: 5}}, "GaveUp, status: the program crashes repeatedly"},
				moment{6, builds(2, "b"), "compare x.go, start b"},
				moment{6.1, starts(2), "status: the program crashes repeatedly"},
				moment{7, serves(2), "fixed: Serving, after 2, status: ok"}),
		},
		{
			name: "a failed start that the starter gave up is not reported twice",
			story: after(firstServes,
				moment{5, WorkerEvent{Event: starter.Event{Kind: starter.GaveUp, Worker: of(1), Failures: 1}}, ""}),
		},
		{
			name: "a program that ends by itself waits for a change, and then starts even if it is the same",
			story: after(firstServes,
				moment{5, workerIs(starter.Completed, 1), "Ended"},
				moment{6, saves("x.go"), "build 2"},
				moment{7, builds(2, "a"), "compare x.go, start a"},
				moment{7.1, starts(2), ""},
				moment{8, serves(2), "Serving, remove a, after 2"}),
		},
		{
			name:      "a server that ends by itself has failed",
			addresses: port,
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{5.9, workerIs(starter.Completed, 1), "Ended, status: the program has ended"},
				moment{6, builds(2, "b"), "compare x.go, start b"}, // its build began before
				moment{6.1, starts(2), "status: the program has ended"},
				moment{7, serves(2), "fixed: Serving, remove a, after 2, status: ok"}),
		},
		{
			name:   "with exit the session ends with the program",
			policy: Policy{Exit: true},
			story: after(firstServes,
				moment{5, dies(1), "stop, Crashed"}),
			err: cli.Exited(1),
		},
		{
			name:   "with exit the session does not end while another worker starts",
			policy: Policy{Exit: true},
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, builds(2, "b"), "compare x.go, start b"},
				moment{6.1, starts(2), ""},
				moment{7, dies(1), "Crashed"},
				moment{8, WorkerEvent{Event: starter.Event{Kind: starter.Failed, Worker: of(2), Status: syscall.WaitStatus(syscall.SIGSEGV)}},
					"StartFailed, remove b, stop, status: worker 2 failed to start"}),
			err: cli.Exited(128 + int(syscall.SIGSEGV)),
		},
		{
			name: "where one worker runs at a time, the old one ends first",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, builds(2, "b"), "compare x.go, start b"},
				moment{6.1, starts(2), ""},
				moment{7, WorkerEvent{Event: starter.Event{Kind: starter.Contended, Worker: of(2), Resource: "the lock"}}, "Contended"},
				moment{7.1, workerIs(starter.Retiring, 1), ""},
				moment{8, workerIs(starter.Exited, 1), ""},
				moment{8.1, starts(3), ""},
				moment{9, fails(3).backTo("a"), "StartFailed, remove b, status: worker 3 failed to start, page"},
				moment{9.1, starts(4).runs("a"), "status: worker 3 failed to start"},
				moment{10, serves(4), "Serving, after 4, status: worker 3 failed to start"},
				moment{11, saves("x.go"), "build 3, wait"},
				moment{12, builds(3, "a"), "compare x.go, fixed: Unchanged, remove a, status: ok"}),
		},
		{
			name: "an invalid environment file keeps the older program",
			story: after(firstServes,
				moment{5, invalidEnv{edits(change.EffectRestart, ".env")}, "start a, EnvFileFailed, status: the environment file can't be read, page"},
				moment{6, edits(change.EffectRestart, ".env"), "build 2, wait"}),
		},
		{
			name: "a restart during a build becomes a start of what is built",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{5.5, edits(change.EffectRestart, ".env"), ""},
				moment{6, builds(2, "a"), "compare .env x.go, start a"}),
		},
		{
			name: "a restart during a build that has to be finished becomes a start of what is built, too",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{5.1, saves("x.go"), "cancel build, build 3"},
				moment{5.2, saves("x.go"), "cancel build, build 4"},
				moment{5.3, saves("x.go"), "cancel build, build 5"},
				moment{5.4, edits(change.EffectRestart, ".env"), ""},
				moment{6, builds(5, "b"), "compare .env x.go, start b"}),
		},
		{
			name: "a file of the browser alone refreshes the pages",
			story: after(firstServes,
				moment{5, edits(change.EffectRefresh, "a.css"), "Refreshed"}),
		},
		{
			name: "with postpone nothing is built before the first change",
			story: []moment{
				{0, Began{Postpone: true, ScriptURL: "http://x"}, "Postponed, ScriptReady, list"},
				{1, lists(), "watch"},
				{5, saves("x.go"), "build 1"},
			},
		},
		{
			name:  "the rules run before the first build, one after the other",
			rules: []string{"a.t: gen", "b.t: css"},
			story: []moment{
				{0, Began{}, "Building, watch, run gen"},
				{0.5, RuleDone{}, ""},
				{0.52, Tick{}, "run css"},
				{1, RuleDone{}, ""},
				{1.1, Tick{}, "list, build 1"},
			},
		},
		{
			name:  "a change for a rule during a build cancels the build until the rule has run",
			rules: []string{"a.t, +onchange: gen"},
			story: []moment{
				{0, Began{}, "Building, watch, list, build 1"},
				{1, edits(change.EffectNone, "a.t"), "run gen, cancel build"},
				{2, Tick{}, "RuleRunning"},
				{3, RuleDone{}, "status: ok"},
				{3.1, Tick{}, "build 3"},
			},
		},
		{
			name:  "an edit of the input of a rule cancels the rule, but not in its first second",
			rules: []string{"a.t, +onchange: gen"},
			story: after([]moment{{0, Began{}, "Building, watch, list, build 1"}, {0.5, builds(1, "a"), "start a"}},
				moment{1, editAt(1, "a.t"), "run gen"},
				moment{1.5, editAt(1.5, "a.t"), ""},
				moment{2, Tick{}, "cancel rule, RuleRunning"},
				moment{2.1, RuleDone{Err: context.Canceled}, "run gen, status: ok"},
				moment{2.5, RuleDone{}, ""},
				moment{2.6, Tick{}, "RulesDone"}),
		},
		{
			name:  "nothing is built while a rule fails",
			rules: []string{"a.t, +onchange: gen"},
			story: after([]moment{{0, Began{}, "Building, watch, list, build 1"}, {0.5, builds(1, "a"), "start a"}, {0.6, serves(1), "Serving, after 1"}},
				moment{2, editAt(2, "a.t"), "run gen"},
				moment{2.5, RuleDone{Err: errFailed}, ""},
				moment{2.6, Tick{}, "RuleFailed, status: gen failed, page"},
				moment{4, saves("x.go"), "run gen, wait"},
				moment{4.5, RuleDone{}, ""},
				moment{4.6, Tick{}, "build 2"},
				moment{5, builds(2, "b"), "start b"},
				moment{5.1, serves(2), "fixed: Serving, after 2, status: ok"}),
		},
		{
			name:  "a rule that failed and leads to nothing is fixed when it succeeds",
			rules: []string{"a.t, +onchange: gen"},
			story: after([]moment{{0, Began{}, "Building, watch, list, build 1"}, {0.5, builds(1, "a"), "start a"}, {0.6, serves(1), "Serving, after 1"}},
				moment{2, editAt(2, "a.t"), "run gen"},
				moment{2.5, RuleDone{Err: errFailed}, ""},
				moment{2.6, Tick{}, "RuleFailed, status: gen failed, page"},
				moment{4, editAt(4, "a.t"), "run gen, wait"},
				moment{4.5, RuleDone{}, ""},
				moment{4.6, Tick{}, "fixed: RulesDone, status: ok"}),
		},
		{
			name:  "rules that trigger each other are paused",
			rules: []string{"a, +onchange: one", "b, +onchange: two"},
			story: after([]moment{{0, Began{}, "Building, watch, list, build 1"}, {0.5, builds(1, "a"), "start a"}},
				moment{1, editAt(1, "a"), "run one"},
				moment{1.1, editAt(1.1, "b"), ""}, moment{1.2, RuleDone{}, ""}, moment{1.3, Tick{}, "run two"},
				moment{1.4, editAt(1.4, "a"), ""}, moment{1.5, RuleDone{}, ""}, moment{1.6, Tick{}, "run one"},
				moment{1.7, editAt(1.7, "b"), ""}, moment{1.8, RuleDone{}, ""}, moment{1.9, Tick{}, "run two"},
				moment{2.0, editAt(2.0, "a"), ""}, moment{2.1, RuleDone{}, ""}, moment{2.2, Tick{}, "run one"},
				moment{2.3, editAt(2.3, "b"), ""}, moment{2.4, RuleDone{}, ""}, moment{2.5, Tick{}, "run two"},
				moment{2.6, editAt(2.6, "a"), ""}, moment{2.7, RuleDone{}, ""}, moment{2.8, Tick{}, "run one"},
				moment{2.9, editAt(2.9, "b"), ""}, moment{3.0, RuleDone{}, ""}, moment{3.1, Tick{}, "run two"},
				moment{3.2, editAt(3.2, "a"), ""}, moment{3.3, RuleDone{}, ""}, moment{3.4, Tick{}, "run one"},
				moment{3.5, editAt(3.5, "b"), ""}, moment{3.6, RuleDone{}, ""}, moment{3.7, Tick{}, "run two"},
				moment{3.8, editAt(3.8, "a"), "RuleLoop"}, moment{3.9, RuleDone{}, ""}, moment{4, Tick{}, "RulesDone"}),
		},
		{
			name:  "a restart waits for the rules",
			rules: []string{"a.t, +onchange: gen"},
			story: after([]moment{{0, Began{}, "Building, watch, list, build 1"}, {0.5, builds(1, "a"), "start a"}},
				moment{1, editAt(1, "a.t"), "run gen"},
				moment{1.1, KeyPressed{'r'}, "Note"},
				moment{1.5, RuleDone{}, ""},
				moment{1.6, Tick{}, "start a"}),
		},
		{
			name: "a fast build is checked when the machine is idle",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, fastBuild(2, "b"), "compare x.go, start b"},
				moment{6.9, Tick{}, ""},
				moment{7, Tick{}, "check b"},
				moment{8, Checked{Built: Built{Seq: 2}}, ""},
				moment{9, saves("x.go"), "cancel check, build 3"}),
		},
		{
			name: "a program that a check finds to differ is started",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, fastBuild(2, "b"), "compare x.go, start b"},
				moment{7, Tick{}, "check b"},
				moment{8, Checked{Built: builds(2, "c")}, "Warning, start c"}),
		},
		{
			name: "a start that is impossible cancels the check of the program that runs",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, fastBuild(2, "b"), "compare x.go, start b"},
				moment{7, Tick{}, "check b"},
				moment{8, invalidEnv{edits(change.EffectRestart, ".env")}, "start b, cancel check, EnvFileFailed, status: the environment file can't be read"},
				moment{9, Checked{Built: builds(2, "c")}, "remove c"}),
		},
		{
			name: "an edit cancels the check",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, fastBuild(2, "b"), "compare x.go, start b"},
				moment{6.5, saves("x.go"), "build 3"},
				moment{7, Tick{}, ""},
				moment{7.1, Checked{Built: builds(2, "c")}, "remove c"}),
		},
		{
			name: "missing files lead to a build, once",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, builds(2, "a"), "compare x.go, Unchanged, remove a"},
				moment{6, GraphOutdated{seconds(5)}, "list"},
				moment{7, lists("y.go"), "watch, build 3"},
				moment{8, buildFails(3), "compare y.go, BuildFailed, status: the build failed, page"},
				moment{8, GraphOutdated{seconds(7)}, "list"},
				moment{9, lists("y.go"), "watch"}),
		},
		{
			name: "a list that is under way is made again",
			story: []moment{
				{0, Began{}, "Building, list, build 1"},
				{1, saves("x.go"), "cancel build, build 2"},
				{2, builds(2, "a"), "start a"},
				{3, lists(), "list, watch"},
				{4, Listed{Err: errFailed}, "Warning"},
			},
		},
		{
			name: "SIGTERM during a build removes its binary",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, Signaled{syscall.SIGTERM}, "Stopping, cancel build, stop"},
				moment{7, builds(2, "b"), "remove b"},
				moment{8, workerIs(starter.Exited, 1), ""}),
		},
		{
			name: "after a stop nothing begins",
			story: after(firstServes,
				moment{5, KeyPressed{'q'}, "Stopping, stop"},
				moment{6, saves("x.go"), ""},
				moment{6, Signaled{syscall.SIGHUP}, ""},
				moment{6, KeyPressed{'b'}, ""},
				moment{6, Disconnected{}, ""},
				moment{6, KeyPressed{'h'}, "Keys"},
				moment{7, Checked{Built: builds(1, "b")}, "remove b"}),
		},
		{
			name: "a second signal kills the workers",
			story: after(firstServes,
				moment{5, Signaled{syscall.SIGINT}, "Stopping, stop"},
				moment{6, Signaled{syscall.SIGTERM}, "stop"}),
			err: cli.Signaled(syscall.SIGTERM),
		},
		{
			name: "q twice kills the workers",
			story: after(firstServes,
				moment{5, KeyPressed{'q'}, "Stopping, stop"},
				moment{6, KeyPressed{'q'}, "stop"}),
			err: cli.Signaled(syscall.SIGINT),
		},
		{
			name: "a worker that did not exit in time is an error",
			story: after(firstServes,
				moment{5, Disconnected{}, "Stopping, stop"},
				moment{9, workerIs(starter.Killing, 1), "Killing"},
				moment{9, Failed{errFailed}, ""}),
			err: errFailed,
		},
		{
			name: "a watcher that fails ends the session",
			story: after(firstServes,
				moment{5, Failed{errFailed}, "stop"}),
			err: errFailed,
		},
		{
			name:      "an address that the program does not use is reported once",
			addresses: port,
			story: after(firstServes,
				moment{3, WorkerEvent{Event: starter.Event{Kind: starter.PortUnused, Worker: of(1), Address: port[0]}}, "PortUnused"},
				moment{4, WorkerEvent{Event: starter.Event{Kind: starter.PortUnused, Worker: of(1), Address: port[0]}}, ""},
				moment{5, KeyPressed{'o'}, "Note"}),
		},
		{
			name: "an instrumented program is reported as such when it keeps a socket",
			story: []moment{
				{0, Began{}, "Building, list, build 1"},
				{1, Built{Seq: 1, Binary: binary("a"), Instrumentation: "package net/http"}, "start a"},
				{1.1, starts(1), ""},
				{1.2, WorkerEvent{Event: starter.Event{Kind: starter.SocketKept, Worker: of(1), Address: port[0]}}, "Adopted, SocketKept"},
				{2, WorkerEvent{Event: starter.Event{Kind: starter.Serving, Worker: of(1), Addresses: port}}, "Serving, after 1"},
				{3, WorkerEvent{Event: starter.Event{Kind: starter.SocketKept, Worker: of(1), Address: port[0]}}, "SocketKept"},
				{4, WorkerEvent{Event: starter.Event{Kind: starter.SocketClosed, Worker: of(1), Address: port[0]}}, "SocketClosed"},
				{5, WorkerEvent{Event: starter.Event{Kind: starter.SocketReleased, Worker: of(1), Address: port[0]}}, "SocketReleased"},
				{6, WorkerEvent{Event: starter.Event{Kind: starter.AssumedReady, Worker: of(1), Err: errFailed}}, "AssumedReady"},
				{7, workerIs(starter.DrainTimedOut, 1), "DrainTimedOut"},
			},
		},
		{
			name: "a program that can't be instrumented is reported once",
			story: []moment{
				{0, Began{}, "Building, list, build 1"},
				{1, Built{Seq: 1, Binary: binary("a"), InstrumentErr: errFailed}, "NotAdopted, start a"},
				{2, saves("x.go"), "build 2"},
				{3, Built{Seq: 2, Binary: binary("b"), InstrumentErr: errFailed}, "start b"},
			},
		},
		{
			name: "the exit status of an old worker is reported once",
			story: after(firstServes,
				moment{5, WorkerEvent{Event: starter.Event{Kind: starter.Exited, Worker: of(1), Status: 1 << 8}}, "Exited"},
				moment{6, WorkerEvent{Event: starter.Event{Kind: starter.Exited, Worker: of(2), Status: 1 << 8}}, ""}),
		},
		{
			name: "a suspended worker is reported once",
			story: after(firstServes,
				moment{5, Suspended{of(1)}, "Halted"},
				moment{6, Suspended{of(1)}, ""}),
		},
		{
			name:   "the browser is opened when the program first serves",
			policy: Policy{Open: true},
			story: []moment{
				{0, Began{}, "Building, list, build 1"},
				{0.1, lists(), "watch"},
				{1, builds(1, "a"), "start a"},
				{1.1, starts(1), ""},
				{2, WorkerEvent{Event: starter.Event{Kind: starter.Serving, Worker: of(1), Addresses: port}}, "Serving, Note, open http://localhost:8080, after 1"},
				{5, saves("x.go"), "build 2"},
				{6, builds(2, "b"), "compare x.go, start b"},
				{6.1, starts(2), ""},
				{7, serves(2), "Serving, after 2"},
				{8, workerIs(starter.Settled, 2), "remove a"},
			},
		},
		{
			name:      "keys that only concern the screen",
			addresses: port,
			story: after(firstServes,
				moment{5, KeyPressed{'o'}, "Note, open http://localhost:8080"},
				moment{5, KeyPressed{'c'}, ""},
				moment{5, KeyPressed{'\n'}, "new line"},
				moment{5, KeyPressed{'x'}, ""}),
		},
		{
			name: "a command of --after-ready that fails is reported",
			story: after(firstServes,
				moment{3, AfterReadyDone{Line: "true"}, ""},
				moment{4, AfterReadyDone{Line: "false", Err: errFailed}, "AfterReadyFailed"}),
		},
		{
			name: "the progress of a build is shown until the build ends",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, Progressed{}, "Progress"},
				moment{7, builds(2, "a"), "compare x.go, Unchanged, remove a, status: ok"},
				moment{8, Progressed{}, ""}),
		},
		{
			name: "changed settings of the build cancel the build and list again",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, Reconfigured{Applied: []string{"debug"}, NewBuilder: true}, "SettingsChanged, cancel build, list, watch, build 4"},
				moment{7, lists(), ""},
				moment{7, Listed{Builder: 1}, "watch"}),
		},
		{
			name:  "changed rules cancel the rule that runs, and run after it",
			rules: []string{"a: one"},
			story: []moment{
				{0, Began{}, "Building, watch, run one"},
				{1, Reconfigured{Applied: []string{"rule"}, NewRules: true, Rules: engineOf(t, "a: two")}, "SettingsChanged, cancel rule, RuleRunning"},
				{2, RuleDone{Err: context.Canceled}, "run two, status: ok"},
			},
		},
		{
			name: "changed arguments start the program again",
			story: after(firstServes,
				moment{5, Reconfigured{Applied: []string{"args"}, Pending: []string{"port"}, NewStart: true}, "SettingsChanged, SettingsPending, watch, start a"},
				moment{6, Reconfigured{Pending: []string{"port"}}, "SettingsPending, watch"}),
		},
		{
			name:   "a signal while the session ends with the program is the reason of the end",
			policy: Policy{Exit: true},
			story: after(firstServes,
				moment{5, dies(1), "stop, Crashed"},
				moment{6, Signaled{syscall.SIGINT}, "stop"}),
			err: cli.Signaled(syscall.SIGINT),
		},
		{
			name: "a signal while the session ends because of an error does not hide the error",
			story: after(firstServes,
				moment{5, Failed{errFailed}, "stop"},
				moment{6, Signaled{syscall.SIGINT}, "stop"}),
			err: errFailed,
		},
		{
			name:  "a stop when a rule has just run does not lead to a build",
			rules: []string{"a.t: gen"},
			story: []moment{
				{0, Began{}, "Building, watch, run gen"},
				{0.5, RuleDone{}, ""},
				{0.6, Signaled{syscall.SIGTERM}, "Stopping, cancel rule, stop"},
			},
		},
		{
			name:  "a stop ends the progress of a rule in the status line",
			rules: []string{"a.t: gen"},
			story: []moment{
				{0, Began{}, "Building, watch, run gen"},
				{2, Tick{}, "RuleRunning"},
				{3, Signaled{syscall.SIGTERM}, "Stopping, cancel rule, stop, status: ok"},
			},
		},
		{
			name:  "a build that follows from a rule cancels the check that is due at the same time",
			rules: []string{"a.t, +onchange: gen"},
			story: []moment{
				{0, Began{}, "Building, watch, list, build 1"},
				{0.5, fastBuild(1, "a"), "start a"},
				{1.4, saves("a.t"), "run gen"},
				{1.48, RuleDone{}, ""},
				{1.6, Tick{}, "build 2"},
			},
		},
		{
			name: "temporary files that are removed after a newer build has begun lead to nothing",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, buildFails(2, "x.go~"), "compare x.go, BuildFailed, await x.go~, status: the build failed, page"},
				moment{7, saves("x.go"), "cancel check, build 3, wait"},
				moment{7, Removed{}, ""}),
		},
		{
			name: "a change that calls for a restart starts the program even if the build is the same",
			story: after(firstServes,
				moment{5, Changed{Since: seconds(1e6), Files: []change.File{{Path: ".env", Effect: change.EffectRestart}, {Path: "x.go", Effect: change.EffectBuild}}}, "build 2"},
				moment{6, builds(2, "a"), "compare .env x.go, start a"}),
		},
		{
			name: "a worker that had to be killed is the error of a session without another",
			story: after(firstServes,
				moment{5, Disconnected{}, "Stopping, stop"},
				moment{9, workerIs(starter.Killing, 1), "Killing"}),
			err: fmt.Errorf("%v had to be killed", of(1)),
		},
		{
			name: "a program that could not start because of its environment file starts once the file is valid",
			story: []moment{
				{0, Began{}, "Building, list, build 1"},
				{1, invalidEnv{builds(1, "a")}, "start a, EnvFileFailed, remove a, status: the environment file can't be read, page"},
				{2, edits(change.EffectRestart, ".env"), "build 2, wait"},
				{3, builds(2, "a"), "start a"},
			},
		},
		{
			name:  "SIGHUP does not build while a rule fails that waits for a change, and a restart builds",
			rules: []string{"a.t, +onchange: gen"},
			story: after([]moment{{0, Began{}, "Building, watch, list, build 1"}, {0.5, builds(1, "a"), "start a"}, {0.6, serves(1), "Serving, after 1"}},
				moment{2, editAt(2, "a.t"), "run gen"},
				moment{2.5, RuleDone{Err: errFailed}, ""},
				moment{2.6, Tick{}, "RuleFailed, status: gen failed, page"},
				moment{3, Signaled{syscall.SIGHUP}, "Note"},
				moment{4, KeyPressed{'r'}, "Note, build 2, wait"}),
		},
		{
			name:  "a program that is built on request while a rule fails does not fix the rule",
			rules: []string{"a.t, +onchange: gen"},
			story: after([]moment{{0, Began{}, "Building, watch, list, build 1"}, {0.5, builds(1, "a"), "start a"}, {0.6, serves(1), "Serving, after 1"}},
				moment{2, editAt(2, "a.t"), "run gen"},
				moment{2.5, RuleDone{Err: errFailed}, ""},
				moment{2.6, Tick{}, "RuleFailed, status: gen failed, page"},
				moment{4, KeyPressed{'r'}, "Note, build 2, wait"},
				moment{5, builds(2, "b"), "start b"},
				moment{5.1, starts(2), "status: gen failed"},
				moment{6, serves(2), "Serving, after 2, status: gen failed, page"}),
		},
		{
			name:  "an edit of the input of a rule that has just ended runs the rule again",
			rules: []string{"a.t, +onchange: gen"},
			story: after([]moment{{0, Began{}, "Building, watch, list, build 1"}, {0.5, builds(1, "a"), "start a"}},
				moment{1, editAt(1, "a.t"), "run gen"},
				moment{2.5, RuleDone{}, ""},
				moment{2.51, editAt(2.4, "a.t"), ""},
				moment{2.6, Tick{}, "run gen"}),
		},
		{
			name: "a program whose worker still starts is kept when a newer start fails",
			story: []moment{
				{0, Began{}, "Building, list, build 1"},
				{1, builds(1, "a"), "start a"},
				{1.1, starts(1), ""},
				{2, saves("x.go"), "build 2"},
				{3, builds(2, "b"), "start b"},
				{4, invalidEnv{edits(change.EffectRestart, ".env")}, "start b, EnvFileFailed, status: the environment file can't be read"},
				{5, serves(1).runs("a"), "Serving, after 1, status: the environment file can't be read"},
			},
		},
		{
			name: "a start that is impossible leaves the program before it under way",
			story: []moment{
				{0, Began{}, "Building, list, build 1"},
				{0.1, lists(), "watch"},
				{1, builds(1, "a"), "start a"},
				{2, invalidEnv{edits(change.EffectRestart, ".env")}, "start a, EnvFileFailed, status: the environment file can't be read"},
				{3, Asked{1}, ""},
				{4, starts(1).runs("a"), "status: the environment file can't be read"},
				{5, serves(1), "Serving, after 1, status: the environment file can't be read, page, confirm"},
			},
		},
		{
			name: "invalid settings are refused",
			story: after(firstServes,
				moment{5, SettingsInvalid{Err: errFailed}, "SettingsRefused, watch"}),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStory(t, test.policy, test.addresses, test.rules...)
			s.tell(test.story)
			if err := s.m.Result(nil); fmt.Sprint(err) != fmt.Sprint(test.err) {
				t.Errorf("the result is %v, want %v", err, test.err)
			}
		})
	}
}

func fastBuild(seq int, name string) Built {
	b := builds(seq, name)
	b.Binary.FastBuild = true
	return b
}

// editAt is an edit at a time of the story of a file that only rules are for.
func editAt(at float64, paths ...string) Changed {
	c := edits(change.EffectNone, paths...)
	c.Since = seconds(at)
	return c
}

// A file that changes during each start may be written by the program, or by a
// user who waits for each start. One more start of the same program shows which.
func TestFileThatChangesDuringEachStartIsOnTrial(t *testing.T) {
	written := func(at float64) Changed {
		c := saves("x.go")
		c.Since, c.Files[0].Modified = seconds(at), seconds(at)
		return c
	}
	inspected := func(at float64) Inspected {
		return Inspected{[]change.File{{Path: "x.go", Modified: seconds(at), Effect: change.EffectBuild}}}
	}
	for _, test := range []struct {
		name  string
		story []moment // when the trial is over
	}{
		{"a file that was edited before it reloads the program", []moment{{17.6, inspected(15), "build 7"}}},
		{"a file that was edited during it reloads the program", []moment{
			{17.6, inspected(16.5), "build 7"}, {18, builds(7, "p7"), "compare x.go, start p7"},
			{19, starts(8), ""}, {20, serves(8), "Serving, after 8"}, {20.5, Tick{}, "inspect x.go"},
			{20.6, inspected(16.5), "build 8"}, {21, builds(8, "p7"), "compare x.go, Unchanged, remove p7"},
		}},
		{"a file that is written again in the next start does not reload it", []moment{
			{17.6, inspected(16.5), "build 7"}, {18, builds(7, "p7"), "compare x.go, start p7"},
			{19, starts(8), ""}, {19.5, written(19.5), ""}, {20, serves(8), "Serving, after 8"}, {20.5, Tick{}, "inspect x.go"},
			{20.6, inspected(19.5), "OwnWrites"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStory(t, Policy{}, nil)
			s.tell([]moment{{0, Began{}, "Building, list, build 1"}, {0.1, lists(), "watch"}, {0.2, builds(1, "p1"), "start p1"}})
			for n := 2; n <= churn.ManyStarts+1; n++ {
				at, name := float64(2*n), fmt.Sprintf("p%d", n)
				s.tell([]moment{{at, written(at), fmt.Sprintf("build %d", n)}, {at + 1, builds(n, name), "compare x.go, start " + name}})
			}
			s.tell([]moment{
				{15, written(15), "SuspectFiles, start p6"},
				{16, starts(7), ""},
				{17, serves(7), "Serving, remove p1, remove p2, remove p3, remove p4, remove p5, after 7"},
				{17.4, Tick{}, ""},
				{17.5, Tick{}, "inspect x.go"},
			})
			s.tell(test.story)
		})
	}
}

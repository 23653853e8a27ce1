package session

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
	"github.com/hotstart/hotstart/starter"
)

// moment is one step of a story: an event at a time, and the actions that the
// machine returns.
type moment struct {
	at    float64 // seconds since the story began
	event event
	want  string // as written by actionText, joined by commas
}

// story is a machine with a fake clock. It answers each start as effects do.
type story struct {
	t        *testing.T
	m        *machine
	commands map[string]*starter.Command // of the last program with this binary
	workers  map[int]*starter.Command    // by generation
	last     *starter.Command
	env      error // of the next start
}

func newStory(t *testing.T, p policy, addresses []starter.Address, texts ...string) *story {
	t.Helper()
	return &story{
		t: t, m: newMachine(p, addresses, engineOf(t, texts...)),
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
		if at := s.m.next(); !at.IsZero() && !at.After(now) {
			s.t.Fatalf("at %vs: the next tick would be at %v, which is not later", moment.at, at.Sub(storyBegin))
		}
	}
}

func (s *story) step(now time.Time, e event) string {
	var words []string
	for todo := s.m.step(now, s.complete(now, e)); len(todo) > 0; todo = todo[1:] {
		if text := actionText(todo[0]); text != "" {
			words = append(words, text)
		}
		if a, ok := todo[0].(start); ok {
			todo = append(todo, s.m.step(now, s.answer(a))...)
		}
	}
	return strings.Join(words, ", ")
}

// answer starts a program, or fails.
func (s *story) answer(a start) event {
	if err := s.env; err != nil {
		s.env = nil
		return envInvalid{a.program, err}
	}
	s.last = &starter.Command{Path: a.binary.Path}
	s.commands[a.binary.Path] = s.last
	return started{a.program, s.last}
}

// complete fills in what depends on earlier moments: the command of a worker,
// and the time of a build and a rule.
func (s *story) complete(now time.Time, e event) event {
	switch e := e.(type) {
	case invalidEnv:
		s.env = errFailed
		return e.event
	case workerEvent:
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
	case built:
		if e.began.IsZero() {
			e.began = now.Add(-time.Second / 2)
		}
		return e
	case ruleDone:
		e.at = now
		return e
	}
	return e
}

// actionText returns an action in a few words: a report is the name of its
// type. It returns "" for actions that follow from others.
func actionText(a action) string {
	switch a := a.(type) {
	case startBuild:
		return fmt.Sprintf("build %d", a.seq)
	case cancelBuild:
		return "cancel build"
	case startCheck:
		return "check " + a.of.binary.Path
	case awaitRemoval:
		return "await " + strings.Join(a.files, " ")
	case cancelCheck:
		return "cancel check"
	case discard:
		return "remove " + a.Path
	case list:
		return "list"
	case inspect:
		return "inspect " + strings.Join(a.paths, " ")
	case runRule:
		return "run " + a.rule.Title()
	case cancelRule:
		return "cancel rule"
	case watchFiles:
		return "watch"
	case compareGraph:
		return "compare " + strings.Join(a.files, " ")
	case start:
		return "start " + a.binary.Path
	case runAfter:
		return fmt.Sprintf("after %d", a.worker.Generation)
	case stop:
		return "stop"
	case setFallback:
		if a.page == nil {
			return "wait"
		}
		return "page"
	case openBrowser:
		return "open " + a.url
	case newLine:
		return "new line"
	case clearScreen, closeStreams, sendInput:
		return ""
	case tell:
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
	case report.WorkerEvent:
		return e.Kind.String()
	}
	if fixed := reflect.ValueOf(e).FieldByName("Fixed"); fixed.IsValid() && fixed.Bool() {
		return "fixed: " + name
	}
	return name
}

// The events of the stories.

// invalidEnv is an event that leads to a start whose environment can't be read.
type invalidEnv struct{ event }

var errFailed = errors.New("exit status 1")

func binary(name string) *builder.Binary { return &builder.Binary{Path: name, ID: name} }

func builds(seq int, name string) built { return built{seq: seq, binary: binary(name)} }

func buildFails(seq int, temporary ...string) built {
	return built{seq: seq, err: &builder.BuildError{Diagnostics: []builder.Diagnostic{{Message: "x"}}, Temporary: temporary}}
}

func edits(e effect, paths ...string) changed {
	c := changed{since: seconds(1e6)}
	for _, path := range paths {
		c.files = append(c.files, file{path: path, effect: e})
	}
	return c
}

// saves is an edit of source files.
func saves(paths ...string) changed { return edits(effectBuild, paths...) }

func of(generation int) starter.Worker {
	return starter.Worker{Generation: generation, PID: 100 + generation}
}

func workerIs(kind starter.Kind, generation int) workerEvent {
	e := workerEvent{Event: starter.Event{Kind: kind, Worker: of(generation)}}
	switch kind {
	case starter.Failed, starter.Crashed, starter.RolledBack:
		e.Status = 1 << 8
	}
	return e
}

func starts(generation int) workerEvent { return workerIs(starter.Starting, generation) }
func serves(generation int) workerEvent { return workerIs(starter.Serving, generation) }
func fails(generation int) workerEvent  { return workerIs(starter.Failed, generation) }
func dies(generation int) workerEvent   { return workerIs(starter.Crashed, generation) }

func (e workerEvent) runs(name string) workerEvent {
	e.Worker.Command = &starter.Command{Path: name}
	return e
}

func (e workerEvent) backTo(name string) workerEvent {
	e.Rollback = &starter.Command{Path: name}
	return e
}

func lists(missing ...string) listed { return listed{graph: &builder.Graph{}, missing: missing} }

// firstServes is how most stories begin: worker 1 serves program a.
var firstServes = []moment{
	{0, began{}, "Building, list, build 1"},
	{0.1, lists(), "watch"},
	{1, builds(1, "a"), "start a"},
	{1.1, starts(1), ""},
	{2, serves(1), "Serving, after 1"},
	{3, tick{}, ""},
}

func after(first []moment, then ...moment) []moment { return slices.Concat(first, then) }

var port = []starter.Address{{Network: "tcp", Port: 8080}}

func TestMachine(t *testing.T) {
	for _, test := range []struct {
		name      string
		policy    policy
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
			name: "a build of the same program does not start it",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, builds(2, "a"), "compare x.go, Unchanged, remove a"}),
		},
		{
			name: "SIGHUP builds and starts even the same program",
			story: after(firstServes,
				moment{5, signaled{syscall.SIGHUP}, "Note, list, build 2"},
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
				{0, began{}, "Building, list, build 1"},
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
				{0, began{}, "Building, list, build 1"},
				{1, built{seq: 1, err: errFailed, invalidCommand: true}, "stop"},
			},
			err: errFailed,
		},
		{
			name: "an error of the command line at a later build is a failed build",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, built{seq: 2, err: errFailed, invalidCommand: true}, "compare x.go, BuildImpossible, status: the build failed, page"}),
		},
		{
			name: "a build that failed because of temporary files is repeated without them",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, buildFails(2, "x.go~"), "compare x.go, BuildFailed, await x.go~, status: the build failed, page"},
				moment{7, removed{}, "cancel check, build 3, wait"}),
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
			name: "a failed first start leaves nothing to start again",
			story: []moment{
				{0, began{}, "Building, list, build 1"},
				{1, builds(1, "a"), "start a"},
				{1.1, starts(1), ""},
				{2, fails(1), "StartFailed, remove a, status: worker 1 failed to start, page"},
				{3, keyPressed{'r'}, "Note, build 2, wait"},
				{4, builds(2, "a"), "start a"},
			},
		},
		{
			name: "a start that takes long is explained, and one that takes too long has failed",
			story: []moment{
				{0, began{}, "Building, list, build 1"},
				{1, builds(1, "a"), "start a"},
				{2, starts(1), ""},
				{4.9, tick{}, ""},
				{5, tick{}, "SlowStart"},
				{32, workerIs(starter.TimedOut, 1), "StartFailed, remove a, status: worker 1 failed to start, page"},
			},
		},
		{
			name: "a program for another machine is explained",
			story: []moment{
				{0, began{}, "Building, list, build 1"},
				{1, builds(1, "a"), "start a"},
				{2, workerEvent{Event: starter.Event{Kind: starter.Failed, Worker: of(1), Err: syscall.ENOEXEC}},
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
				moment{11, keyPressed{'r'}, "Note, build 3, wait"}),
		},
		{
			name: "a program that crashes repeatedly waits for a change",
			story: after(firstServes,
				moment{5, dies(1), "Crashed"},
				moment{5, workerEvent{Event: starter.Event{Kind: starter.GaveUp, Worker: of(1), Failures: 5}}, "GaveUp, status: the program crashes repeatedly, page"},
				moment{6, saves("x.go"), "build 2, wait"},
				moment{7, builds(2, "a"), "compare x.go, start a"}),
		},
		{
			name: "a program that crashed repeatedly is kept until a newer one has proven itself",
			story: after(firstServes,
				moment{5, workerEvent{Event: starter.Event{Kind: starter.GaveUp, Worker: of(1), Failures: 5}}, "GaveUp, status: the program crashes repeatedly, page"},
				moment{6, saves("x.go"), "build 2, wait"},
				moment{7, builds(2, "b"), "compare x.go, start b"},
				moment{7.1, starts(2), "status: the program crashes repeatedly"},
				moment{8, serves(2), "fixed: Serving, after 2, status: ok"},
				moment{9, workerIs(starter.Settled, 2), "remove a"}),
		},
		{
			name: "a failed start that the starter gave up is not reported twice",
			story: after(firstServes,
				moment{5, workerEvent{Event: starter.Event{Kind: starter.GaveUp, Worker: of(1), Failures: 1}}, ""}),
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
				moment{5, workerIs(starter.Completed, 1), "Ended, status: the program has ended, page"}),
		},
		{
			name:   "with exit the session ends with the program",
			policy: policy{exit: true},
			story: after(firstServes,
				moment{5, dies(1), "stop, Crashed"}),
			err: cli.Exited(1),
		},
		{
			name:   "with exit the session does not end while another worker starts",
			policy: policy{exit: true},
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, builds(2, "b"), "compare x.go, start b"},
				moment{6.1, starts(2), ""},
				moment{7, dies(1), "Crashed"},
				moment{8, workerEvent{Event: starter.Event{Kind: starter.Failed, Worker: of(2), Status: syscall.WaitStatus(syscall.SIGSEGV)}},
					"StartFailed, remove b, stop, status: worker 2 failed to start"}),
			err: cli.Exited(128 + int(syscall.SIGSEGV)),
		},
		{
			name: "where one worker runs at a time, the old one ends first",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, builds(2, "b"), "compare x.go, start b"},
				moment{6.1, starts(2), ""},
				moment{7, workerEvent{Event: starter.Event{Kind: starter.Contended, Worker: of(2), Resource: "the lock"}}, "Contended"},
				moment{7.1, workerIs(starter.Retiring, 1), ""},
				moment{8, workerIs(starter.Exited, 1), ""},
				moment{8.1, starts(3), ""},
				moment{9, fails(3).backTo("a"), "StartFailed, remove b, status: worker 3 failed to start, page"},
				moment{9.1, starts(4).runs("a"), "status: worker 3 failed to start"},
				moment{10, serves(4), "Serving, after 4, status: worker 3 failed to start"}),
		},
		{
			name: "an invalid environment file keeps the older program",
			story: after(firstServes,
				moment{5, invalidEnv{edits(effectRestart, ".env")}, "start a, EnvFileFailed, status: the environment file can't be read, page"},
				moment{6, edits(effectRestart, ".env"), "build 2, wait"}),
		},
		{
			name: "a restart during a build becomes a start of what is built",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{5.5, edits(effectRestart, ".env"), ""},
				moment{6, builds(2, "a"), "compare .env x.go, start a"}),
		},
		{
			name: "a file of the browser alone refreshes the pages",
			story: after(firstServes,
				moment{5, edits(effectRefresh, "a.css"), "Refreshed"}),
		},
		{
			name: "with postpone nothing is built before the first change",
			story: []moment{
				{0, began{postpone: true, scriptURL: "http://x"}, "Postponed, ScriptReady, list"},
				{1, lists(), "watch"},
				{5, saves("x.go"), "build 1"},
			},
		},
		{
			name:  "the rules run before the first build, one after the other",
			rules: []string{"a.t: gen", "b.t: css"},
			story: []moment{
				{0, began{welcome: "hello"}, "Note, Building, watch, run gen"},
				{0.5, ruleDone{}, ""},
				{0.52, tick{}, "run css"},
				{1, ruleDone{}, ""},
				{1.1, tick{}, "list, build 1"},
			},
		},
		{
			name:  "a change for a rule during a build cancels the build until the rule has run",
			rules: []string{"a.t, +onchange: gen"},
			story: []moment{
				{0, began{}, "Building, watch, list, build 1"},
				{1, edits(effectNone, "a.t"), "run gen, cancel build"},
				{2, tick{}, "RuleRunning"},
				{3, ruleDone{}, "status: ok"},
				{3.1, tick{}, "build 3"},
			},
		},
		{
			name:  "an edit of the input of a rule cancels the rule, but not in its first second",
			rules: []string{"a.t, +onchange: gen"},
			story: after([]moment{{0, began{}, "Building, watch, list, build 1"}, {0.5, builds(1, "a"), "start a"}},
				moment{1, editAt(1, "a.t"), "run gen"},
				moment{1.5, editAt(1.5, "a.t"), ""},
				moment{2, tick{}, "cancel rule, RuleRunning"},
				moment{2.1, ruleDone{err: context.Canceled}, "run gen, status: ok"},
				moment{2.5, ruleDone{}, ""},
				moment{2.6, tick{}, "RulesDone"}),
		},
		{
			name:  "nothing is built while a rule fails",
			rules: []string{"a.t, +onchange: gen"},
			story: after([]moment{{0, began{}, "Building, watch, list, build 1"}, {0.5, builds(1, "a"), "start a"}, {0.6, serves(1), "Serving, after 1"}},
				moment{2, editAt(2, "a.t"), "run gen"},
				moment{2.5, ruleDone{err: errFailed}, ""},
				moment{2.6, tick{}, "RuleFailed, status: gen failed, page"},
				moment{4, saves("x.go"), "run gen, wait"},
				moment{4.5, ruleDone{}, ""},
				moment{4.6, tick{}, "build 2"},
				moment{5, builds(2, "b"), "start b"},
				moment{5.1, serves(2), "fixed: Serving, after 2, status: ok"}),
		},
		{
			name:  "a rule that failed and leads to nothing is fixed when it succeeds",
			rules: []string{"a.t, +onchange: gen"},
			story: after([]moment{{0, began{}, "Building, watch, list, build 1"}, {0.5, builds(1, "a"), "start a"}, {0.6, serves(1), "Serving, after 1"}},
				moment{2, editAt(2, "a.t"), "run gen"},
				moment{2.5, ruleDone{err: errFailed}, ""},
				moment{2.6, tick{}, "RuleFailed, status: gen failed, page"},
				moment{4, editAt(4, "a.t"), "run gen, wait"},
				moment{4.5, ruleDone{}, ""},
				moment{4.6, tick{}, "fixed: RulesDone, status: ok"}),
		},
		{
			name:  "rules that trigger each other are paused",
			rules: []string{"a, +onchange: one", "b, +onchange: two"},
			story: after([]moment{{0, began{}, "Building, watch, list, build 1"}, {0.5, builds(1, "a"), "start a"}},
				moment{1, editAt(1, "a"), "run one"},
				moment{1.1, editAt(1.1, "b"), ""}, moment{1.2, ruleDone{}, ""}, moment{1.3, tick{}, "run two"},
				moment{1.4, editAt(1.4, "a"), ""}, moment{1.5, ruleDone{}, ""}, moment{1.6, tick{}, "run one"},
				moment{1.7, editAt(1.7, "b"), ""}, moment{1.8, ruleDone{}, ""}, moment{1.9, tick{}, "run two"},
				moment{2.0, editAt(2.0, "a"), ""}, moment{2.1, ruleDone{}, ""}, moment{2.2, tick{}, "run one"},
				moment{2.3, editAt(2.3, "b"), ""}, moment{2.4, ruleDone{}, ""}, moment{2.5, tick{}, "run two"},
				moment{2.6, editAt(2.6, "a"), ""}, moment{2.7, ruleDone{}, ""}, moment{2.8, tick{}, "run one"},
				moment{2.9, editAt(2.9, "b"), ""}, moment{3.0, ruleDone{}, ""}, moment{3.1, tick{}, "run two"},
				moment{3.2, editAt(3.2, "a"), ""}, moment{3.3, ruleDone{}, ""}, moment{3.4, tick{}, "run one"},
				moment{3.5, editAt(3.5, "b"), ""}, moment{3.6, ruleDone{}, ""}, moment{3.7, tick{}, "run two"},
				moment{3.8, editAt(3.8, "a"), "RuleLoop"}, moment{3.9, ruleDone{}, ""}, moment{4, tick{}, "RulesDone"}),
		},
		{
			name:  "a restart waits for the rules",
			rules: []string{"a.t, +onchange: gen"},
			story: after([]moment{{0, began{}, "Building, watch, list, build 1"}, {0.5, builds(1, "a"), "start a"}},
				moment{1, editAt(1, "a.t"), "run gen"},
				moment{1.1, keyPressed{'r'}, "Note"},
				moment{1.5, ruleDone{}, ""},
				moment{1.6, tick{}, "start a"}),
		},
		{
			name: "a fast build is checked when the machine is idle",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, fastBuild(2, "b"), "compare x.go, start b"},
				moment{6.9, tick{}, ""},
				moment{7, tick{}, "check b"},
				moment{8, checked{built{seq: 2}}, ""},
				moment{9, saves("x.go"), "cancel check, build 3"}),
		},
		{
			name: "a program that a check finds to differ is started",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, fastBuild(2, "b"), "compare x.go, start b"},
				moment{7, tick{}, "check b"},
				moment{8, checked{builds(2, "c")}, "Warning, start c"}),
		},
		{
			name: "an edit cancels the check",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, fastBuild(2, "b"), "compare x.go, start b"},
				moment{6.5, saves("x.go"), "build 3"},
				moment{7, tick{}, ""},
				moment{7.1, checked{builds(2, "c")}, "remove c"}),
		},
		{
			name: "missing files lead to a build, once",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, builds(2, "a"), "compare x.go, Unchanged, remove a"},
				moment{6, graphOutdated{seconds(5)}, "list"},
				moment{7, lists("y.go"), "watch, build 3"},
				moment{8, buildFails(3), "compare y.go, BuildFailed, status: the build failed, page"},
				moment{8, graphOutdated{seconds(7)}, "list"},
				moment{9, lists("y.go"), "watch"}),
		},
		{
			name: "a list that is under way is made again",
			story: []moment{
				{0, began{}, "Building, list, build 1"},
				{1, saves("x.go"), "cancel build, build 2"},
				{2, builds(2, "a"), "start a"},
				{3, lists(), "list, watch"},
				{4, listed{err: errFailed}, "Warning"},
			},
		},
		{
			name: "SIGTERM during a build removes its binary",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, signaled{syscall.SIGTERM}, "Stopping, cancel build, stop"},
				moment{7, builds(2, "b"), "remove b"},
				moment{8, workerIs(starter.Exited, 1), ""}),
		},
		{
			name: "after a stop nothing begins",
			story: after(firstServes,
				moment{5, keyPressed{'q'}, "Stopping, stop"},
				moment{6, saves("x.go"), ""},
				moment{6, signaled{syscall.SIGHUP}, ""},
				moment{6, keyPressed{'b'}, ""},
				moment{6, disconnected{}, ""},
				moment{6, keyPressed{'h'}, "Keys"},
				moment{7, checked{builds(1, "b")}, "remove b"}),
		},
		{
			name: "a second signal kills the workers",
			story: after(firstServes,
				moment{5, signaled{syscall.SIGINT}, "Stopping, stop"},
				moment{6, signaled{syscall.SIGTERM}, "stop"}),
			err: cli.Signaled(syscall.SIGTERM),
		},
		{
			name: "q twice kills the workers",
			story: after(firstServes,
				moment{5, keyPressed{'q'}, "Stopping, stop"},
				moment{6, keyPressed{'q'}, "stop"}),
			err: cli.Signaled(syscall.SIGINT),
		},
		{
			name: "a worker that did not exit in time is an error",
			story: after(firstServes,
				moment{5, disconnected{}, "Stopping, stop"},
				moment{9, workerIs(starter.Killing, 1), "Killing"},
				moment{9, failed{errFailed}, ""}),
			err: errFailed,
		},
		{
			name: "a watcher that fails ends the session",
			story: after(firstServes,
				moment{5, failed{errFailed}, "stop"}),
			err: errFailed,
		},
		{
			name:      "an address that the program does not use is reported once",
			addresses: port,
			story: after(firstServes,
				moment{3, workerEvent{Event: starter.Event{Kind: starter.PortUnused, Worker: of(1), Address: port[0]}}, "PortUnused"},
				moment{4, workerEvent{Event: starter.Event{Kind: starter.PortUnused, Worker: of(1), Address: port[0]}}, ""},
				moment{5, keyPressed{'o'}, "Note"}),
		},
		{
			name: "an instrumented program is reported as such when it keeps a socket",
			story: []moment{
				{0, began{}, "Building, list, build 1"},
				{1, built{seq: 1, binary: binary("a"), instrumentation: "package net/http"}, "start a"},
				{1.1, starts(1), ""},
				{1.2, workerEvent{Event: starter.Event{Kind: starter.SocketKept, Worker: of(1), Address: port[0]}}, "Adopted, SocketKept"},
				{2, workerEvent{Event: starter.Event{Kind: starter.Serving, Worker: of(1), Addresses: port}}, "Serving, after 1"},
				{3, workerEvent{Event: starter.Event{Kind: starter.SocketKept, Worker: of(1), Address: port[0]}}, "SocketKept"},
				{4, workerEvent{Event: starter.Event{Kind: starter.SocketClosed, Worker: of(1), Address: port[0]}}, "SocketClosed"},
				{5, workerEvent{Event: starter.Event{Kind: starter.SocketReleased, Worker: of(1), Address: port[0]}}, "SocketReleased"},
				{6, workerEvent{Event: starter.Event{Kind: starter.AssumedReady, Worker: of(1), Err: errFailed}}, "AssumedReady"},
				{7, workerIs(starter.DrainTimedOut, 1), "DrainTimedOut"},
			},
		},
		{
			name: "a program that can't be instrumented is reported once",
			story: []moment{
				{0, began{}, "Building, list, build 1"},
				{1, built{seq: 1, binary: binary("a"), instrumentErr: errFailed}, "NotAdopted, start a"},
				{2, saves("x.go"), "build 2"},
				{3, built{seq: 2, binary: binary("b"), instrumentErr: errFailed}, "start b"},
			},
		},
		{
			name: "the exit status of an old worker is reported once",
			story: after(firstServes,
				moment{5, workerEvent{Event: starter.Event{Kind: starter.Exited, Worker: of(1), Status: 1 << 8}}, "Exited"},
				moment{6, workerEvent{Event: starter.Event{Kind: starter.Exited, Worker: of(2), Status: 1 << 8}}, ""}),
		},
		{
			name: "a suspended worker is reported once",
			story: after(firstServes,
				moment{5, suspended{of(1)}, "Halted"},
				moment{6, suspended{of(1)}, ""}),
		},
		{
			name:      "keys that only concern the screen",
			addresses: port,
			story: after(firstServes,
				moment{5, keyPressed{'o'}, "Note, open http://localhost:8080"},
				moment{5, keyPressed{'c'}, ""},
				moment{5, keyPressed{'\n'}, "new line"},
				moment{5, keyPressed{'x'}, ""}),
		},
		{
			name: "a command of --after-ready that fails is reported",
			story: after(firstServes,
				moment{3, afterReadyDone{line: "true"}, ""},
				moment{4, afterReadyDone{line: "false", err: errFailed}, "AfterReadyFailed"}),
		},
		{
			name: "the progress of a build is shown until the build ends",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, progressed{}, "Progress"},
				moment{7, builds(2, "a"), "compare x.go, Unchanged, remove a, status: ok"},
				moment{8, progressed{}, ""}),
		},
		{
			name: "changed settings of the build cancel the build and list again",
			story: after(firstServes,
				moment{5, saves("x.go"), "build 2"},
				moment{6, reconfigured{applied: []string{"debug"}, newBuilder: true}, "SettingsChanged, cancel build, list, watch, build 4"},
				moment{7, lists(), ""},
				moment{7, listed{builder: 1}, "watch"}),
		},
		{
			name:  "changed rules cancel the rule that runs, and run after it",
			rules: []string{"a: one"},
			story: []moment{
				{0, began{}, "Building, watch, run one"},
				{1, reconfigured{applied: []string{"rule"}, newRules: true, rules: engineOf(t, "a: two")}, "SettingsChanged, cancel rule, RuleRunning"},
				{2, ruleDone{err: context.Canceled}, "run two, status: ok"},
			},
		},
		{
			name: "changed arguments start the program again",
			story: after(firstServes,
				moment{5, reconfigured{applied: []string{"args"}, pending: []string{"port"}, newStart: true}, "SettingsChanged, SettingsPending, watch, start a"},
				moment{6, reconfigured{pending: []string{"port"}}, "SettingsPending, watch"}),
		},
		{
			name: "invalid settings are refused",
			story: after(firstServes,
				moment{5, settingsInvalid{err: errFailed}, "SettingsRefused, watch"}),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStory(t, test.policy, test.addresses, test.rules...)
			s.tell(test.story)
			if err := s.m.result(nil); fmt.Sprint(err) != fmt.Sprint(test.err) {
				t.Errorf("the result is %v, want %v", err, test.err)
			}
		})
	}
}

func fastBuild(seq int, name string) built {
	b := builds(seq, name)
	b.binary.FastBuild = true
	return b
}

// editAt is an edit at a time of the story of a file that only rules are for.
func editAt(at float64, paths ...string) changed {
	c := edits(effectNone, paths...)
	c.since = seconds(at)
	return c
}

package machine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/change"
	"github.com/hotstart/hotstart/starter"
)

// world is everything around the machine, in a simple form. It performs the
// actions of the machine, and checks after each step what has to be true at all
// times.
type world struct {
	t       *testing.T
	m       *Machine
	now     time.Time
	log     []string
	stopped bool

	builds   []underWay // those before the last one are cancelled
	building bool       // the last one is not cancelled
	checks   []Built
	checking bool
	listing  bool
	rule     string          // title of the rule that runs; "": none does
	failing  map[string]bool // rules whose last run failed
	binaries map[*builder.Binary]*fate
	env      error           // of the next start
	doubted  *builder.Binary // is being linked again; nil: none

	newest   *Built           // last result of a build that counts
	launched *builder.Binary  // by the last start; nil: it failed
	lastFail bool             // the last launch of a program failed
	status   string           // in the status line
	page     bool             // connections are answered
	began    bool             // a reload has begun, and has not ended
	held     []starter.Worker // their clients wait

	asked      map[int]bool // waits that are not answered
	asks       int
	confirming bool
	unreported bool // an edit that the kernel has not reported

	fakeStarter
}

type underWay struct {
	seq   int
	began time.Time
}

// fate is what became of a binary.
type fate struct{ started, removed bool }

// fakeStarter follows the rules of the starter as far as they decide which
// binary it may start.
type fakeStarter struct {
	binaryOf   map[*starter.Command]*builder.Binary
	workers    []*fakeWorker
	generation int
	wanted     *starter.Command
	good       *starter.Command
	last       *starter.Command
	ended      bool // good has ended with status 0
	oneAtATime bool
	crashes    int
}

type fakeWorker struct {
	starter.Worker
	state string // "starting", "serving" or "leaving"
	final bool
}

func (f *fakeStarter) in(state string) *fakeWorker {
	for _, w := range slices.Backward(f.workers) {
		if w.state == state {
			return w
		}
	}
	return nil
}

// mayStart returns the commands that the starter may still start.
func (f *fakeStarter) mayStart() (all []*starter.Command) {
	all = append(all, f.wanted, f.good, f.last)
	for _, state := range []string{"starting", "serving"} {
		if w := f.in(state); w != nil {
			all = append(all, w.Command)
		}
	}
	return slices.DeleteFunc(all, func(c *starter.Command) bool { return c == nil })
}

func FuzzSession(f *testing.F) {
	f.Add([]byte{})
	for _, seed := range []string{
		"built spawn ready edit built spawn ready settle leave",
		"built spawn ready edit fail edit built", "built spawn fails-to-start edit built spawn ready",
		"built spawn ready edit edit edit edit edit built built", "built spawn ready die spawn ready die spawn ready die spawn ready die spawn ready die edit built spawn ready",
		"built spawn ready settle edit built spawn ready die spawn ready", "built spawn done edit built spawn ready",
		"list rule-edit pass rule-done pass edit rule-fails pass", "built env restart spawn", "built pass check edit stop built",
		"delta spawn ready edit delta spawn fails-to-start relink spawn ready check edit delta spawn fault relink edit built spawn ready",
		"delta spawn fails-to-start ask relink spawn fails-to-start edit delta spawn ready fault spawn fault relink spawn ready settle edit delta spawn fault stop relink",
		"list built spawn ready ask confirm hidden-edit ask confirm built spawn ask ready confirm withdraw",
		"ask list built spawn ready confirm edit ask fail confirm rule-edit ask rule-fails confirm stop",
	} {
		var moves []byte
		for _, word := range strings.Fields(seed) {
			moves = append(moves, byte(slices.Index(moveNames, word)), 5)
		}
		f.Add(append([]byte{0}, moves...))
	}
	f.Fuzz(func(t *testing.T, moves []byte) {
		if len(moves) < 1 || len(moves) > 600 {
			return
		}
		w := &world{
			t: t, now: storyBegin, asked: map[int]bool{}, failing: map[string]bool{}, binaries: map[*builder.Binary]*fate{},
			fakeStarter: fakeStarter{binaryOf: map[*starter.Command]*builder.Binary{}, oneAtATime: moves[0]&1 != 0},
		}
		var texts []string
		if moves[0]&2 != 0 {
			texts = []string{"a.t: one", "b.t, +onchange: two"}
		}
		w.m = New(Policy{Fresh: time.Second, Exit: moves[0]&0x30 == 0x30, OverlapOff: w.oneAtATime}, nil, engineOf(t, texts...))
		w.step(Began{Postpone: moves[0]&12 == 12})
		for moves = moves[1:]; len(moves) >= 2; moves = moves[2:] {
			w.log = append(w.log, fmt.Sprintf("-- %s %d", moveNames[int(moves[0])%len(moveNames)], moves[1]))
			w.move(moveNames[int(moves[0])%len(moveNames)], int(moves[1]))
		}
		w.finish()
	})
}

var moveNames = []string{
	"pass", "edit", "rule-edit", "restart-edit", "refresh-edit", "built", "fail", "late", "rule-done", "rule-fails", "list", "check", "removed", "reload", "restart",
	"reconfigure", "env", "spawn", "ready", "fails-to-start", "die", "done", "settle", "leave", "contend", "stop", "outdated",
	"ask", "withdraw", "confirm", "hidden-edit", "delta", "fault", "relink",
}

func (w *world) move(name string, n int) {
	w.t.Helper()
	switch name {
	case "pass":
		w.pass(time.Duration(n) * 20 * time.Millisecond)
	case "edit":
		w.edit(change.EffectBuild, []string{"x.go", "y.go", "b.t"}[n%3])
	case "rule-edit":
		w.edit(change.EffectNone, []string{"a.t", "b.t"}[n%2])
	case "restart-edit":
		w.edit(change.EffectRestart, ".env")
	case "refresh-edit":
		w.edit(change.EffectRefresh, "a.css")
	case "built":
		w.endBuild(len(w.builds)-1, n)
	case "delta":
		w.endBuild(len(w.builds)-1, n|24)
	case "relink":
		w.endRelink(n)
	case "late":
		w.endBuild(0, n)
	case "fail":
		w.endBuild(len(w.builds)-1, -1-n%3)
	case "rule-done":
		w.endRule(nil)
	case "rule-fails":
		w.endRule(errFailed)
	case "list":
		if w.listing {
			w.listing = false
			w.step(Listed{Builder: w.m.build.builder - n%7/6, Began: w.now, Graph: &builder.Graph{}, Missing: [][]string{nil, nil, {"gone.go"}}[n%3]})
		}
	case "check":
		w.endCheck(n)
	case "removed":
		if w.checking && len(w.checks) == 0 {
			w.checking = false
			w.step(Removed{})
		}
	case "reload":
		w.step(Signaled{syscall.SIGHUP})
	case "restart":
		w.step(KeyPressed{'r'})
	case "reconfigure":
		w.step(Reconfigured{Policy: w.m.Policy, NewBuilder: n&1 != 0, NewStart: n&2 != 0, NewRules: n&4 != 0, Rules: engineOf(w.t, "a.t: one", "b.t: two")})
	case "env":
		w.env = errFailed
	case "outdated":
		if w.m.build.graph != nil {
			w.step(GraphOutdated{w.now})
		}
	case "ask":
		w.asks++
		w.asked[w.asks] = true
		w.step(Asked{w.asks})
	case "withdraw":
		if id := w.asks - n%3; w.asked[id] {
			delete(w.asked, id)
			w.step(Withdrawn{id})
		}
	case "hidden-edit":
		w.unreported = true
	case "confirm":
		w.confirm()
	case "stop":
		if n%8 == 0 {
			w.step(Signaled{syscall.SIGTERM})
		}
	default:
		w.moveWorkers(name)
	}
}

// moveWorkers does what the starter may do next.
func (w *world) moveWorkers(name string) {
	starting, serving := w.in("starting"), w.in("serving")
	switch {
	case name == "spawn":
		w.spawn()
	case name == "ready" && starting != nil:
		w.promote(starting, serving)
	case name == "fails-to-start" && starting != nil:
		w.failStart(starting, serving)
	case name == "die" && serving != nil:
		w.crash(serving, starting, 1<<8)
	case name == "fault" && serving != nil:
		w.crash(serving, starting, syscall.WaitStatus(syscall.SIGSEGV))
	case name == "done" && w.wanted == nil && !w.stopped && len(w.workers) == 1 && w.workers[0].state != "leaving":
		one := w.workers[0]
		w.workers = nil
		w.good, w.ended = one.Command, true
		w.worker(starter.Event{Kind: starter.Completed, Worker: one.Worker})
	case name == "settle" && serving != nil && !serving.final:
		serving.final, w.good = true, serving.Command
		w.worker(starter.Event{Kind: starter.Settled, Worker: serving.Worker})
	case name == "leave" && w.in("leaving") != nil:
		w.remove(w.in("leaving"))
	case name == "contend" && starting != nil && serving != nil && !w.oneAtATime && !w.stopped:
		w.oneAtATime, starting.state = true, "leaving"
		if w.wanted == nil {
			w.wanted = starting.Command
		}
		w.worker(starter.Event{Kind: starter.Contended, Worker: starting.Worker})
	}
}

func (w *world) remove(gone *fakeWorker) {
	w.workers = slices.DeleteFunc(w.workers, func(x *fakeWorker) bool { return x == gone })
	w.worker(starter.Event{Kind: starter.Exited, Worker: gone.Worker})
}

func (w *world) spawn() {
	switch serving := w.in("serving"); {
	case w.wanted == nil || w.stopped || w.in("starting") != nil:
		return
	case w.oneAtATime && serving != nil:
		serving.state = "leaving"
		w.worker(starter.Event{Kind: starter.Retiring, Worker: serving.Worker})
		return
	case w.oneAtATime && len(w.workers) > 0:
		return
	}
	if w.binaries[w.binaryOf[w.wanted]].removed {
		w.fail("a removed binary is started")
	}
	w.generation++
	n := &fakeWorker{Worker: starter.Worker{Generation: w.generation, PID: 100 + w.generation, Command: w.wanted}, state: "starting"}
	w.workers, w.wanted = append(w.workers, n), nil
	w.worker(starter.Event{Kind: starter.Starting, Worker: n.Worker})
}

func (w *world) promote(starting, serving *fakeWorker) {
	starting.state = "serving"
	e := starter.Event{Kind: starter.Serving, Worker: starting.Worker}
	if w.good == nil || w.ended {
		w.good = starting.Command
	}
	w.last, w.ended = starting.Command, false
	if serving != nil {
		serving.state = "leaving"
		e.Others = []starter.Worker{serving.Worker}
	}
	w.worker(e)
}

func (w *world) failStart(starting, serving *fakeWorker) {
	w.workers = slices.DeleteFunc(w.workers, func(x *fakeWorker) bool { return x == starting })
	e := starter.Event{Kind: starter.Failed, Worker: starting.Worker, Status: 1 << 8}
	if serving == nil && !w.ended && w.wanted == nil && !w.stopped {
		for _, c := range []*starter.Command{w.last, w.good} {
			if c != nil && c != starting.Command && e.Rollback == nil {
				e.Rollback = c
			}
		}
	}
	if e.Rollback != nil {
		w.wanted = e.Rollback
		if w.last == e.Rollback {
			w.last = nil
		}
	}
	w.worker(e)
}

func (w *world) crash(serving, starting *fakeWorker, status syscall.WaitStatus) {
	w.workers = slices.DeleteFunc(w.workers, func(x *fakeWorker) bool { return x == serving })
	w.last = nil
	e := starter.Event{Kind: starter.Crashed, Worker: serving.Worker, Status: status, Restarting: true}
	if !serving.final && w.good != serving.Command && w.wanted == nil && starting == nil && !w.stopped {
		e.Kind, e.Rollback, w.wanted = starter.RolledBack, w.good, w.good
		w.worker(e)
		return
	}
	if w.crashes++; starting == nil && w.wanted == nil {
		if e.Restarting = w.crashes < 5; e.Restarting && !w.stopped {
			w.wanted = serving.Command
		}
	}
	w.worker(e)
	if !e.Restarting && !w.stopped {
		w.worker(starter.Event{Kind: starter.GaveUp, Worker: serving.Worker, Failures: w.crashes})
	}
}

// reload is Starter.Reload.
func (w *world) reload(c *starter.Command) {
	starting := w.in("starting")
	if starting != nil && (w.in("serving") != nil || w.good != nil) {
		starting.state = "leaving" // superseded
	}
	w.crashes, w.wanted = 0, c
}

func (w *world) worker(e starter.Event) { w.step(WorkerEvent{Event: e}) }

func (w *world) edit(e change.Effect, path string) {
	c := edits(e, path)
	c.Since, c.Files[0].Modified = w.now, w.now
	w.step(c)
}

func (w *world) endBuild(i, n int) {
	if i < 0 || i >= len(w.builds) {
		return
	}
	newest := i == len(w.builds)-1 && w.building
	b := Built{Seq: w.builds[i].seq, Began: w.builds[i].began}
	switch w.builds = slices.Delete(w.builds, i, i+1); {
	case n == -1:
		b.Err = errFailed
	case n == -2:
		b.Err = buildFails(0).Err
	case n == -3:
		b.Err = buildFails(0, "x.go~").Err
	default:
		b.Binary = w.newBinary(n)
	}
	if newest {
		w.building = false
		if !w.stopped {
			w.newest = &b
		}
	}
	w.step(b)
}

func (w *world) newBinary(n int) *builder.Binary {
	b := binary(string(rune('a' + n%3)))
	b.FastBuild = n&8 != 0
	if n&24 == 24 {
		b.LinkedBy = builder.LinkedByDelta
	}
	w.binaries[b] = &fate{}
	return b
}

func (w *world) endCheck(n int) {
	if len(w.checks) == 0 {
		return
	}
	b := w.checks[0]
	compared := b.Binary
	counts := len(w.checks) == 1 && w.checking
	w.checks = w.checks[1:]
	if b.Binary = nil; n%2 == 0 {
		b.Binary = w.newBinary(n)
		b.Binary.FastBuild, b.Binary.LinkedBy = false, builder.LinkedByGo
		if n%4 == 0 {
			b.Binary.WrongDelta = errFailed
		}
		if counts && !w.stopped && !w.building && b.Seq == w.m.build.seq {
			w.newest = &b
		}
	}
	w.checking = w.checking && !counts
	checked := Checked{Built: b}
	if n%8 == 1 {
		checked.Verified = compared
	}
	w.step(checked)
}

func (w *world) endRelink(n int) {
	doubted := w.doubted
	if w.doubted = nil; doubted == nil {
		return
	}
	var b *builder.Binary
	if n%4 != 0 {
		b = w.newBinary(8)
		b.ID = doubted.ID
	}
	w.step(Relinked{b})
}

func (w *world) endRule(err error) {
	if w.rule == "" {
		return
	}
	rule := w.rule
	if w.m.ruleRuns.cancelled {
		err = context.Canceled
	}
	if w.rule = ""; !w.stopped {
		w.failing[rule] = err == errFailed
	}
	w.step(RuleDone{Err: err, At: w.now})
	w.pass(eventGrace)
}

func (w *world) pass(d time.Duration) {
	until := w.now.Add(d)
	for at := w.m.Next(); !at.IsZero() && !at.After(until); at = w.m.Next() {
		if at.Before(w.now) {
			w.fail("the next tick was due before")
		}
		w.now = at
		w.step(Tick{})
	}
	w.now = until
	w.step(Tick{})
}

// step hands an event to the machine, and performs the actions as perform of
// the session does.
func (w *world) step(e Event) {
	w.t.Helper()
	for todo := w.decide(e); len(todo) > 0; todo = todo[1:] {
		if answer := w.perform(todo[0]); answer != nil {
			todo = append(todo, w.decide(answer)...)
		}
	}
	w.check()
}

func (w *world) decide(e Event) []Action {
	w.now = w.now.Add(time.Microsecond)
	actions := w.m.Step(w.now, e)
	var words []string
	for _, a := range actions {
		words = append(words, actionText(a))
	}
	w.log = append(w.log, fmt.Sprintf("%v %T: %s", w.now.Sub(storyBegin), e, strings.Join(words, ", ")))
	return actions
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s\n%s", strings.Join(w.log, "\n"), fmt.Sprintf(format, args...))
}

// begins checks that nothing begins after a stop.
func (w *world) begins(what string) {
	if w.stopped {
		w.fail("%s begins after the stop", what)
	}
}

func (w *world) perform(a Action) (answer Event) {
	switch a := a.(type) {
	case StartBuild:
		w.begins("a build")
		if w.building {
			w.fail("two builds are under way")
		}
		if w.rule != "" {
			w.fail("a build begins while a rule runs")
		}
		w.builds, w.building = append(w.builds, underWay{a.Seq, w.now}), true
	case CancelBuild:
		if !w.building {
			w.fail("no build to cancel")
		}
		w.building = false
	case StartCheck:
		w.begins("a check")
		if w.building {
			w.fail("a check begins during a build")
		}
		w.checks, w.checking = append(w.checks, a.Build), true
	case Relink:
		w.begins("a link")
		if w.doubted != nil {
			w.fail("two binaries are linked again")
		}
		if w.doubted = a.Binary; a.Binary.LinkedBy != builder.LinkedByDelta {
			w.fail("%s is linked again in the same way", a.Binary.Path)
		}
	case AwaitRemoval:
		w.begins("a wait")
		w.checking = true
	case CancelCheck:
		w.checking = false
	case RunRule:
		w.begins("a rule")
		if w.rule != "" {
			w.fail("two rules run")
		}
		w.rule = a.Rule.Title()
	case CancelRule:
		if w.rule == "" {
			w.fail("no rule to cancel")
		}
	case List:
		w.begins("a list")
		if w.listing {
			w.fail("two lists are under way")
		}
		w.listing = true
	case Start:
		w.begins("a start")
		return w.start(a.Program)
	case Discard:
		w.discard(a.Binary)
	case RunAfter:
		w.begins("a command")
	case Stop:
		w.stopped, w.wanted = true, nil
		for _, x := range w.workers {
			x.state = "leaving"
		}
	case SetFallback:
		w.page = a.Page != nil
	case Hold:
		w.held = a.Workers
	case Confirm:
		w.begins("a check of the newest code")
		if w.confirming {
			w.fail("two checks of the newest code are under way")
		}
		w.confirming = true
	case Answer:
		w.answered(a)
	case Tell:
		w.hear(a.Event)
	}
	return nil
}

// confirm ends a check: it reports what the kernel has not reported before.
func (w *world) confirm() {
	if !w.confirming {
		return
	}
	if w.unreported {
		w.unreported = false
		w.edit(change.EffectBuild, "x.go")
	}
	w.confirming = false
	w.step(Confirmed{})
}

// answered checks an answer: it is the only one, and what it says is true.
func (w *world) answered(a Answer) {
	if !w.asked[a.ID] {
		w.fail("wait %d is answered, and nobody waits", a.ID)
	}
	delete(w.asked, a.ID)
	serving := w.in("serving")
	switch {
	case a.Outcome == control.Ends:
		if !w.stopped && w.m.stop.err == nil && w.m.stop.exited == nil && !w.m.Stopping() {
			w.fail("wait %d ends, and the session does not", a.ID)
		}
		return
	case w.building, w.rule != "", w.listing, w.wanted != nil, w.in("starting") != nil, w.doubted != nil:
		w.fail("wait %d is answered with %s while newer code is on its way", a.ID, a.Outcome)
	case a.Outcome == control.Failed:
		if w.status == "" && serving != nil && w.m.build.graph != nil {
			w.fail("wait %d is answered with a failure, and nothing has failed", a.ID)
		}
		return
	case w.status != "", w.newest == nil, w.newest.Err != nil, w.lastFail, len(w.failing) > 0 && w.m.rules.Failed():
		w.fail("wait %d is answered with %s, and newer code is not served", a.ID, a.Outcome)
	case w.ended && serving == nil: // the program has done its work
	case serving == nil || !w.binaryOf[serving.Command].SameContent(w.newest.Binary):
		w.fail("wait %d is answered with %s, and another program serves", a.ID, a.Outcome)
	}
}

func (w *world) start(p *Program) Event {
	f := w.binaries[p.Binary]
	if f.removed || f.started != p.restarted {
		w.fail("%s: %+v, and it is started", p.Binary.Path, f)
	}
	f.started = true
	if err := w.env; err != nil {
		w.env, w.launched = nil, nil
		w.lastFail = true
		return EnvInvalid{p, err}
	}
	c := &starter.Command{Path: p.Binary.Path}
	w.binaryOf[c], w.launched = p.Binary, p.Binary
	w.reload(c)
	return Started{p, c}
}

func (w *world) discard(b *builder.Binary) {
	f := w.binaries[b]
	if f == nil || f.removed {
		w.fail("%s is removed twice", b.Path)
	}
	f.removed = true
	for _, c := range w.mayStart() {
		if w.binaryOf[c] == b && !w.stopped {
			w.fail("%s is removed, and the starter may start it", b.Path)
		}
	}
}

func (w *world) hear(e report.Event) {
	switch e := e.(type) {
	case report.StatusChanged:
		w.status = e.Status.Failing
	case report.ReloadBegan:
		if w.began {
			w.fail("two reloads begin")
		}
		w.began = true
	case report.ReloadEnded:
		if !w.began || e.Failing != w.status {
			w.fail("a reload ends with %q; status %q", e.Failing, w.status)
		}
		w.began = false
	case report.BuildFailed, report.RuleFailed:
		if !w.began {
			w.fail("%T outside of a reload", e)
		}
	case report.Unchanged:
		w.lastFail = false
	case report.Serving:
		w.lastFail = w.lastFail && !w.binaryOf[e.Worker.Command].SameContent(w.launched)
	case report.Ended:
		w.lastFail = w.lastFail && !w.binaryOf[e.Event.Worker.Command].SameContent(w.launched)
	case report.StartFailed, report.RolledBack, report.GaveUp, report.EnvFileFailed:
		w.lastFail = true
	}
}

// check checks what has to be true between two steps.
func (w *world) check() {
	w.t.Helper()
	if at := w.m.Next(); !at.IsZero() && !at.After(w.now) {
		w.fail("the next tick is due already")
	}
	if w.stopped {
		return
	}
	if w.rule != "" && w.building && !w.m.mustFinish() {
		w.fail("a rule runs during a build")
	}
	quiet := !w.building && w.rule == "" && w.wanted == nil && w.in("starting") == nil && w.doubted == nil
	switch {
	case !w.began && (w.building || w.rule != ""):
		w.fail("no reload has begun")
	case w.began && quiet && w.due():
		w.fail("the reload does not end")
	case w.page && w.status == "":
		w.fail("connections are answered with a failure, and there is none")
	case w.page && (w.building || w.rule != ""):
		w.fail("connections are answered, and a worker may come")
	case quiet && w.status != "" && !w.page && w.due():
		w.fail("connections wait, and no worker comes")
	}
	w.checkHeld()
	if quiet && w.due() {
		w.checkStatus()
	}
}

// checkHeld checks that clients wait for newer code, and only if it may come.
func (w *world) checkHeld() {
	w.t.Helper()
	if !w.began && len(w.held) > 0 {
		w.fail("clients wait without a reload")
	}
	newer := w.building || w.rule != "" || !w.due() || w.wanted != nil
	for _, state := range []string{"starting", "serving"} {
		x := w.in(state)
		if x == nil {
			continue
		}
		if held := slices.Contains(w.held, x.Worker); held != newer {
			w.fail("clients of worker %d wait: %v; newer code comes: %v", x.Generation, held, newer)
		}
		newer = true // the one that starts has newer code than the one that serves
	}
}

// due reports whether the machine waits for nothing but its timers for other
// things than rules.
func (w *world) due() bool { return w.m.due[ruleSettled].IsZero() }

// checkStatus checks that the status line is shown if and only if newer code is
// not served.
func (w *world) checkStatus() {
	w.t.Helper()
	serving := w.in("serving")
	ruleFails := w.m.rules.Failed()
	switch {
	case w.newest == nil: // nothing was built
		if w.status != "" && !ruleFails {
			w.fail("status %q, and nothing was built", w.status)
		}
	case ruleFails || w.newest.Err != nil || w.lastFail:
		if w.status == "" {
			w.fail("there is no status, and newer code is not served")
		}
	case serving != nil && w.binaryOf[serving.Command].SameContent(w.newest.Binary):
		if w.status != "" {
			w.fail("status %q, and the newest code is served", w.status)
		}
	}
}

// finish ends the session. Each binary must have been started or removed.
func (w *world) finish() {
	w.t.Helper()
	if !w.stopped {
		w.step(Signaled{syscall.SIGTERM})
	}
	for len(w.builds) > 0 {
		w.endBuild(0, 1)
	}
	for len(w.checks) > 0 {
		w.endCheck(0)
	}
	w.endRelink(1)
	for len(w.workers) > 0 {
		w.remove(w.workers[0])
	}
	if len(w.asked) > 0 {
		w.fail("%d waits were not answered", len(w.asked))
	}
	for b, f := range w.binaries {
		if !f.started && !f.removed {
			w.fail("%s was neither started nor removed", b.Path)
		}
	}
}

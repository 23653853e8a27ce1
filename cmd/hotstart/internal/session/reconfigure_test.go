package session

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/machine"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/watcher"
)

// quickReader reacts to a text as soon as it is written.
type quickReader struct {
	text  string
	react func()
}

func (q *quickReader) Write(p []byte) (int, error) {
	if strings.Contains(string(p), q.text) && q.react != nil {
		q.react()
		time.Sleep(50 * time.Millisecond) // later writes come more than a tick of file times after the reaction
		q.react = nil
	}
	return len(p), nil
}

// newTestLoop returns a loop that writes its events to out.
func newTestLoop(o Options, out io.Writer) *loop {
	screen := term.NewScreen(out, false)
	e := &effects{
		o: o, sinks: report.Sinks{report.NewTextLog(screen, false, false)}, alerts: &report.Alerts{},
		console: console{screen: screen, streams: term.NewStreams(screen, "")},
	}
	return &loop{effects: e, machine: machine.New(machine.Policy{}, nil, rules.Engine{})}
}

// changed are settings that changed.
func changed(c Change) Settings {
	return Settings{Name: "hotstart.toml", Read: func() (Change, error) { return c, nil }}
}

// mustWrite writes a file with an old modification time.
func mustWrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

// A user may act on new settings as soon as they are reported.
func TestSettingsApplyOnceTheyAreReported(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	mustWrite(t, page, "one")
	files, err := watcher.New(watcher.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	reported := false
	reader := &quickReader{"changed: watch\n", func() { reported = os.WriteFile(page, []byte("two"), 0o600) == nil }}
	l := newTestLoop(Options{Dir: dir}, reader)
	l.watcher, l.graph = files, &builder.Graph{}
	l.builder, err = builder.New(t.Context(), builder.Options{Dir: mustWriteModule(t), Output: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	l.settings = changed(Change{Options: Options{Dir: dir, Watch: []string{"*.html"}}, Applied: []string{"watch"}, AppliesTo: AppliesToFiles, Accept: func() {}})
	if l.patterns, err = newPatterns(l.o, ""); err != nil {
		t.Fatal(err)
	}
	l.step(machine.Listed{Graph: l.graph})
	l.step(l.reconfigure())
	if !reported {
		t.Fatal("the change was not reported")
	}
	go files.Run(t.Context())
	select {
	case batch := <-files.Batches():
		if !slices.Contains(batch.Paths, page) {
			t.Errorf("%q have changed, not %s", batch.Paths, page)
		}
	case <-time.After(time.Minute):
		t.Errorf("the change of %s was missed", page)
	}
}

func mustWriteModule(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	mustWrite(t, filepath.Join(dir, "go.mod"), "module example.com/app\n")
	mustWrite(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() {}\n")
	return dir
}

// A first change counts that is made as soon as hotstart waits for it.
func TestTheFirstChangeMayComeOnceItIsAwaited(t *testing.T) {
	t.Parallel()
	dir := mustWriteModule(t)
	b, err := builder.New(t.Context(), builder.Options{Dir: dir, Output: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var reported time.Time
	reader := &quickReader{"waiting for a first change", func() { reported = time.Now() }}
	l := newTestLoop(Options{Dir: dir}, reader)
	l.builder, l.ctx, l.events = b, t.Context(), make(chan machine.Event)
	l.step(machine.Began{Postpone: true})
	if e := (<-l.events).(machine.Listed); reported.IsZero() || e.Began.After(reported) {
		t.Errorf("changes count from %v on, and the user was told at %v", e.Began, reported)
	}
	l.tasks.Wait()
}

package main

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
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
	"github.com/hotstart/hotstart/watcher"
)

// A quickReader does something as soon as it is told a text, before who tells
// it goes on.
type quickReader struct {
	text  string
	react func()
}

func (q *quickReader) Write(p []byte) (int, error) {
	if strings.Contains(string(p), q.text) && q.react != nil {
		q.react()
		time.Sleep(50 * time.Millisecond) // what is written now is old, as file times go
		q.react = nil
	}
	return len(p), nil
}

// logging makes a watch that writes its events to out alone.
func logging(w *watch, out io.Writer) *watch {
	screen, log := newLog(out, newRootCmd())
	w.screen, w.sinks, w.pages, w.alerts = screen, report.Sinks{log}, &report.Pages{}, &report.Alerts{}
	return w
}

// mustWrite writes a file that is older than all that the test does.
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

// What hotstart says of new settings may be acted on at once.
func TestLiveSettingsHoldOnceTheyAreTold(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	mustWrite(t, page, "one")
	mustWrite(t, filepath.Join(dir, "hotstart.toml"), `watch = "*.html"`)
	files, err := watcher.New(watcher.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	t.Chdir(dir)
	loader, err := settings.NewLoader(newWatchFlags(nil).set, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &live{loader: loader, flags: newWatchFlags(nil)}
	told := false
	reader := &quickReader{"changed: watch\n", func() { told = os.WriteFile(page, []byte("two"), 0o600) == nil }}
	w := logging(&watch{o: session.Options{Dir: dir}, watcher: files, live: l, graph: &builder.Graph{}}, reader)
	w.chosen = mustChoose(t, session.Options{})
	w.reconfigure()
	if !told {
		t.Fatal("it was never told")
	}
	go files.Run(t.Context())
	select {
	case batch := <-files.Batches():
		if !slices.Contains(batch.Paths, page) {
			t.Errorf("%q have changed, not %s", batch.Paths, page)
		}
	case <-time.After(patience):
		t.Errorf("%s is lost", page)
	}
}

// Neither is a first change lost that is made as soon as it is waited for.
func TestAFirstChangeMayComeOnceItIsWaitedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustWrite(t, filepath.Join(dir, "go.mod"), "module example.com/app\n")
	mustWrite(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() {}\n")
	b, err := builder.New(t.Context(), builder.Options{Dir: dir, Output: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var told time.Time
	reader := &quickReader{"waiting for a first change", func() { told = time.Now() }}
	w := logging(&watch{o: session.Options{Dir: dir, Postpone: true}, builder: b, graphs: make(chan listed), ended: t.Context()}, reader)
	if err := w.begin(); err != nil {
		t.Fatal(err)
	}
	if l := <-w.graphs; told.IsZero() || l.began.After(told) {
		t.Errorf("what changes from %v on counts, and the user was told at %v", l.began, told)
	}
	w.running.Wait()
}

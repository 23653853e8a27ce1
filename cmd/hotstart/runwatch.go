package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/browser"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
	"github.com/hotstart/hotstart/templates"
	"github.com/hotstart/hotstart/watcher"
)

// runWatch makes every part, joins them by the loop, and ends them in turn.
// The sockets come first: what connects during the first build waits. The
// options may change by what is live, unless that is nil.
func runWatch(cmd *cobra.Command, o session.Options, l *live) error {
	screen, log := newLog(cmd.ErrOrStderr(), cmd)
	screen.Enqueue(log.Dropped)
	defer screen.Close()
	// Every process that is started carries the mark: a guard finds it by
	// that when hotstart itself could not end it.
	mark := "HOTSTART_INSTANCE=" + rand.Text()
	ended, end := context.WithCancel(cmd.Context())
	defer end()
	if o.Dir == "" {
		var err error
		if o.Dir, err = os.Getwd(); err != nil {
			return err
		}
	}
	log.Dir = o.Dir // the demo's is not the one that hotstart was started in
	w := &watch{
		o:        o,
		screen:   screen,
		pages:    &report.Pages{Dir: o.Dir},
		builds:   make(chan built),
		checks:   make(chan built),
		graphs:   make(chan listed),
		passed:   make(chan struct{}),
		progress: make(chan builder.Progress, 1),
		errands:  make(chan ran),
		events:   make(chan starter.Event),
		signals:  make(chan os.Signal, 4),
		ended:    ended,
		churn:    newChurn(),
		changed:  map[string]bool{},
		later:    map[string]bool{},
		attempts: map[*starter.Command]*attempt{},
		terminal: term.FindControllingTTY(),
		mark:     mark,
		streams:  term.NewStreams(screen, o.PTY),
		live:     l,
	}
	signal.Notify(w.signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(w.signals)

	binaries, err := newScratch(scratchParent())
	if err != nil {
		return err
	}
	defer binaries.remove()
	w.scratch = binaries.dir
	if w.stdin, err = os.Open(os.DevNull); err != nil {
		return err
	}
	defer w.stdin.Close()
	if w.pages.Server, err = serveScript(o); err != nil {
		return err
	}
	if w.pages.Server != nil {
		defer w.pages.Server.Close()
	}
	w.pages.Error = browser.NewPage(templates.ErrorPage())
	defer w.pages.Error.Close()
	if interrupted, err := w.open(mark, binaries.dir); interrupted || err != nil {
		return err
	}
	log.HTTP = func() bool { return w.builder.Imports("net/http") || w.builder.Imports("github.com/valyala/fasthttp") }
	defer w.running.Wait()
	w.addresses = w.starter.Addresses()
	w.alerts = report.NewAlerts(screen, programName(o.Dir, w.builder.Package()))
	w.alerts.Bell, w.alerts.Notify = o.Bell, o.Notify
	defer w.alerts.Close()
	w.sinks = report.Sinks{log, report.NewStatusLine(log), w.alerts, w.pages}
	if err := w.sitDown(); err != nil {
		w.starter.Close()
		return err
	}
	defer w.standUp()
	served, unwatched := make(chan error, 1), make(chan error, 1)
	go func() {
		served <- w.starter.Run(context.Background())
		close(served)
	}()
	go func() { unwatched <- w.watcher.Run(ended) }()

	err = w.loop(served, unwatched)
	end()
	w.finish(served)
	w.streams.Flush()
	if failed := w.runLast(); err == nil {
		err = failed
	}
	return err
}

// finish ends the starter, unless that is why the loop is over.
func (w *watch) finish(served <-chan error) {
	if !w.stopping {
		w.starter.Signal(syscall.SIGTERM)
	}
	for {
		select {
		case <-served:
			return
		case <-w.signals:
			w.starter.Signal(syscall.SIGTERM)
		}
	}
}

// open makes the starter, with its sockets, the builder and the watcher. It
// may take its time, as where the go command has to be downloaded first, and
// ends at a signal.
func (w *watch) open(mark, output string) (interrupted bool, err error) {
	ctx, stop := signal.NotifyContext(w.ended, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if w.chosen, err = newChosen(w.o); err != nil {
		return false, cli.Usage(err, "hotstart watch --help")
	}
	w.chosen.settings = w.live.patterns(w.o.Dir)
	w.rules = w.chosen.engine(w.o)
	if w.starter, err = starter.New(w.o.StarterOptions(mark, output, w.report)); err != nil {
		return false, err
	}
	bo := w.o.BuilderOptions(mark, output)
	bo.Progress = w.onProgress
	if w.builder, err = builder.New(ctx, bo); err == nil {
		w.watcher, err = watcher.New(watcher.Options{Poll: w.o.Poll, Logf: w.notef})
	}
	if err == nil {
		return false, nil
	}
	w.starter.Close()
	if ctx.Err() != nil {
		return true, nil
	}
	return false, err
}

// notef emits a note.
func (w *watch) notef(format string, args ...any) { w.emit(report.Notef(format, args...)) }

// programName is a short name for what is built in dir: "api" of ./cmd/api.
func programName(dir, pattern string) string {
	first, _, _ := strings.Cut(pattern, " ")
	return strings.TrimSuffix(filepath.Base(filepath.Join(dir, first)), ".go")
}

// serveScript starts the server of the script for pages, if a flag asks for it, until it
// is closed.
func serveScript(o session.Options) (*browser.Server, error) {
	if o.Browser == "" && len(o.Refresh) == 0 {
		return nil, nil
	}
	port, _ := strconv.Atoi(o.Browser) // "": a free one
	server, err := browser.Listen(port, templates.Script)
	if err != nil {
		return nil, fmt.Errorf("listening for browsers: %w", err)
	}
	go server.Serve() // until it is closed
	return server, nil
}

// report passes on what the starter does, as long as somebody listens.
func (w *watch) report(e starter.Event) {
	select {
	case w.events <- e:
	case <-w.ended.Done():
	}
}

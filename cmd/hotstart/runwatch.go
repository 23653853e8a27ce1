package main

import (
	"context"
	"crypto/rand"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
	"github.com/hotstart/hotstart/watcher"
)

// watchAsSet watches as the flags, the environment and hotstart.toml say.
func watchAsSet(cmd *cobra.Command, flags *watchFlags) error {
	c, err := newConfig(flags)
	if err != nil {
		return err
	}
	from, err := c.fill(flags)
	if err != nil {
		return err
	}
	if err := checkColor(cmd); err != nil {
		return from.blame(err)
	}
	u := newUI(cmd.ErrOrStderr(), cmd)
	queue := u.Enqueue(u.dropped)
	for _, line := range c.warnings(flags.all) {
		u.warn("%s", line)
	}
	if flags.options.dir != c.start {
		u.say("working in %s because of its %s", flags.options.dir, filepath.Base(c.path))
	}
	queue.Close(term.CloseTimeout) // what follows is written by the queue of runWatch
	return from.blame(runWatch(cmd, flags.options, &live{config: c, flags: flags}))
}

// runWatch makes every part, joins them by the loop, and ends them in turn.
// The sockets come first: what connects during the first build waits. The
// options may change by what is live, unless that is nil.
func runWatch(cmd *cobra.Command, o watchOptions, l *live) error {
	if err := o.display.check(); err != nil {
		return err
	}
	u := &watchUI{ui: newUI(cmd.ErrOrStderr(), cmd)}
	defer u.Enqueue(u.dropped).Close(term.CloseTimeout)
	// Every process that is started carries the mark: a guard finds it by
	// that when hotstart itself could not end it.
	mark := "HOTSTART_INSTANCE=" + rand.Text()
	ended, end := context.WithCancel(cmd.Context())
	defer end()
	if o.dir == "" {
		var err error
		if o.dir, err = os.Getwd(); err != nil {
			return err
		}
	}
	u.dir = o.dir // the demo's is not the one that hotstart was started in
	w := &watch{
		o:        o,
		ui:       u,
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
		streams:  term.NewStreams(u.Screen, o.display.pty),
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
	if u.pages, err = openPages(o); err != nil {
		return err
	}
	defer u.pages.close()
	if interrupted, err := w.open(mark, binaries.dir); interrupted || err != nil {
		return err
	}
	u.web = func() bool { return w.builder.Imports("net/http") || w.builder.Imports("github.com/valyala/fasthttp") }
	u.pages.starter = w.starter
	defer w.running.Wait()
	u.addresses = w.starter.Addresses()
	u.alerts = alerts{program: programName(o.dir, w.builder.Package()), bell: o.display.bell, notify: o.display.notify}
	u.alerts.begin(u.ui)
	defer u.alerts.end(u.ui)
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
	so, err := w.o.starterOptions(mark, output, w.report)
	if err != nil {
		return false, err
	}
	bo, err := w.o.builderOptions(mark, output)
	if err != nil {
		return false, err
	}
	if w.chosen, err = newChosen(w.o); err != nil {
		return false, &usageError{err: err, hint: "hotstart watch --help"}
	}
	w.chosen.settings = w.live.patterns(w.o.dir)
	w.rules.all = w.chosen.duties(w.o)
	if w.starter, err = starter.New(so); err != nil {
		return false, err
	}
	bo.Progress = w.progresses
	if w.builder, err = builder.New(ctx, bo); err == nil {
		w.watcher, err = watcher.New(watcher.Options{Poll: w.o.poll, Logf: w.ui.say})
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

// report passes on what the starter does, as long as somebody listens.
func (w *watch) report(e starter.Event) {
	select {
	case w.events <- e:
	case <-w.ended.Done():
	}
}

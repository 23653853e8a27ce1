package main

import (
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
	"github.com/hotstart/hotstart/watcher"
)

// live is what a watch needs to follow changes of hotstart.toml.
type live struct {
	loader  *settings.Loader
	flags   *watchFlags // what holds
	refused bool        // the file that is there now
}

// newSettings are what a watch goes by after a change of the file.
type newSettings struct {
	flags          *watchFlags
	read           time.Time // what is edited later may be a file that is watched from now on
	chosen         chosen
	builder        *builder.Builder // nil: as before
	changed, fixed []string
	applies        uint // session.AppliesToBuild, …
}

// reconfigure goes by hotstart.toml as it is now, or, if that can't be meant,
// by what it said before.
func (w *watch) reconfigure() {
	n, err := w.readAgain()
	switch {
	case err != nil:
		w.live.refused = true
		w.emit(report.SettingsRefused{Err: err})
		w.watchSettings(n.read)
		return
	case len(n.changed)+len(n.fixed) == 0 && !w.live.refused:
		return
	}
	w.live.refused = false
	file := w.live.loader.Name()
	if len(n.changed) > 0 || len(n.fixed) == 0 {
		w.emit(report.SettingsChanged{File: file, Applied: n.changed})
	}
	if len(n.fixed) > 0 {
		w.emit(report.SettingsPending{File: file, Settings: n.fixed})
	}
	w.apply(n)
}

// readAgain reads the file, and refuses what it refuses at the start.
func (w *watch) readAgain() (n newSettings, err error) {
	n.read = time.Now()
	n.flags = newWatchFlags(nil)
	if _, err := n.flags.load(w.live.loader); err != nil {
		return n, err
	}
	if ignored := w.live.loader.Ignored; ignored != nil {
		return n, ignored
	}
	n.changed, n.applies, n.fixed = n.flags.set.Changes(w.live.flags.set)
	if err := n.flags.set.Keep(w.live.flags.set, n.fixed); err != nil { // until hotstart starts again
		return n, err
	}
	o := n.flags.options
	if n.chosen, err = newChosen(o); err == nil && n.applies&session.AppliesToBuild != 0 {
		n.builder, err = builder.New(w.ended, o.BuilderOptions(w.mark, w.scratch))
	}
	return n, err
}

// apply has the parts go by new settings, and does what that calls for.
func (w *watch) apply(n newSettings) {
	welcome, postpone := w.o.Welcome, w.o.Postpone
	w.o, w.live.flags, w.chosen = n.flags.options, n.flags, n.chosen
	w.o.Welcome, w.o.Postpone = welcome, postpone // which may be over
	w.alerts.Bell, w.alerts.Notify = w.o.Bell, w.o.Notify
	if n.applies&session.AppliesToTimes != 0 {
		w.starter.SetTimeouts(w.o.StarterOptions("", "", nil))
	}
	if n.applies&session.AppliesToRules != 0 {
		if w.rules.Running() != nil {
			w.endRun() // the new rules run when the old command has ended
		}
		engine := w.chosen.engine(w.o)
		engine.Inherit(w.rules)
		w.rules = engine
		w.rules.RunAll()
	}
	if n.builder != nil {
		w.putOff()
		w.builder = n.builder
		w.due.add(plan{build: true})
		w.list(time.Now())
	}
	if n.applies&session.AppliesToStart != 0 {
		w.due.add(plan{restart: true})
	}
	w.watchSettings(n.read)
	w.proceed()
}

// watchSettings has the watcher watch what the settings say. Whoever has read
// of the settings may have edited such a file since they were read.
func (w *watch) watchSettings(read time.Time) {
	w.chosen.settings = w.live.patterns(w.o.Dir)
	if w.graph == nil {
		return // once there is one, all of it is watched
	}
	if err := w.watcher.Watch(files(w.graph, w.chosen), read); err != nil {
		w.emit(report.Warning{Text: err.Error()})
	}
}

// patterns are of what the settings depend on.
func (l *live) patterns(dir string) *watcher.Patterns {
	if l == nil || l.loader.Path == "" {
		return noPatterns(dir)
	}
	p, err := watcher.NewPatterns(dir, []string{l.loader.Path}, nil)
	if err != nil { // the folder's name looks like a pattern that is none
		return noPatterns(dir)
	}
	return p
}

func noPatterns(dir string) *watcher.Patterns {
	p, err := watcher.NewPatterns(dir, nil, nil)
	if err != nil {
		panic(err) // dir is absolute
	}
	return p
}

package main

import (
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
	"github.com/hotstart/hotstart/watcher"
)

// live is what a watch needs to follow changes of hotstart.toml.
type live struct {
	config  *config
	flags   *watchFlags // what holds
	refused bool        // the file that is there now
}

// What a change of a setting calls for. A setting that is not here is fixed
// when hotstart starts.
var (
	changesBuild = []string{"package", "build-flags", "debug", "direct"}
	changesRules = []string{"rule", "before", "ignore"}
	changesStart = []string{"args", "env-file"}
	changesFiles = []string{"watch", "restart", "refresh", "ignore", "env-file", "rule"}
	changesTimes = []string{"ready-timeout", "serve-timeout", "rollback", "stop-timeout"}
	changesLater = []string{"after-ready", "on-stop", "clear", "bell", "notify"}
)

func isLive(name string) bool {
	return slices.Contains(slices.Concat(changesBuild, changesRules, changesStart, changesFiles, changesTimes, changesLater), name)
}

// differences parts the settings that differ in those that can change while
// hotstart runs and those that are fixed.
func differences(old, now *pflag.FlagSet) (changed, fixed []string) {
	now.VisitAll(func(f *pflag.Flag) {
		switch before := old.Lookup(f.Name); {
		case !settings.IsKey(f) || settings.Literal(before) == settings.Literal(f):
		case isLive(f.Name):
			changed = append(changed, f.Name)
		default:
			fixed = append(fixed, f.Name)
		}
	})
	return changed, fixed
}

// anyOf reports whether one of the names is among the others.
func anyOf(names, others []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(others, name) })
}

// newSettings are what a watch goes by after a change of the file.
type newSettings struct {
	flags          *watchFlags
	read           time.Time // what is edited later may be a file that is watched from now on
	chosen         chosen
	builder        *builder.Builder // nil: as before
	changed, fixed []string
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
	file := w.live.config.name()
	if len(n.changed) > 0 || len(n.fixed) == 0 {
		w.emit(report.SettingsChanged{File: file, Applied: n.changed})
	}
	if len(n.fixed) > 0 {
		w.emit(report.SettingsPending{File: file, Settings: n.fixed})
	}
	w.apply(n)
}

// readAgain reads the file, and refuses what can't be meant as at the start.
func (w *watch) readAgain() (n newSettings, err error) {
	n.read = time.Now()
	n.flags = freshWatchFlags()
	from, err := w.live.config.fill(n.flags)
	if err != nil {
		return n, err
	}
	o := &n.flags.options
	if ignored := w.live.config.ignored; ignored != nil {
		return n, ignored
	}
	n.changed, n.fixed = differences(w.live.flags.all, n.flags.all)
	for _, name := range n.fixed { // they stay until hotstart starts again
		if err := settings.Put(n.flags.all.Lookup(name), settings.Texts(w.live.flags.all.Lookup(name))); err != nil {
			return n, err
		}
	}
	if err := o.display.check(); err != nil {
		return n, from.blame(err)
	}
	if _, err := o.starterOptions("", "", nil); err != nil {
		return n, from.blame(err)
	}
	if n.chosen, err = newChosen(*o); err != nil {
		return n, err
	}
	bo, err := o.builderOptions(w.mark, w.scratch)
	if err == nil && anyOf(n.changed, changesBuild) {
		n.builder, err = builder.New(w.ended, bo)
	}
	return n, from.blame(err)
}

// apply has the parts go by new settings, and does what that calls for.
func (w *watch) apply(n newSettings) {
	welcome, postpone := w.o.welcome, w.o.postpone
	w.o, w.live.flags, w.chosen = n.flags.options, n.flags, n.chosen
	w.o.welcome, w.o.postpone = welcome, postpone // which may be over
	w.alerts.Bell, w.alerts.Notify = w.o.display.bell, w.o.display.notify
	if anyOf(n.changed, changesTimes) {
		so, _ := w.o.starterOptions("", "", nil) // readAgain has seen that it is right
		w.starter.SetTimeouts(so)
	}
	if anyOf(n.changed, changesRules) {
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
	if anyOf(n.changed, changesStart) {
		w.due.add(plan{restart: true})
	}
	w.watchSettings(n.read)
	w.proceed()
}

// watchSettings has the watcher watch what the settings say. Whoever has read
// of the settings may have edited such a file since they were read.
func (w *watch) watchSettings(read time.Time) {
	w.chosen.settings = w.live.patterns(w.o.dir)
	if w.graph == nil {
		return // once there is one, all of it is watched
	}
	if err := w.watcher.Watch(files(w.graph, w.chosen), read); err != nil {
		w.emit(report.Warning{Text: err.Error()})
	}
}

// patterns are of what the settings depend on.
func (l *live) patterns(dir string) *watcher.Patterns {
	if l == nil || l.config.path == "" {
		return noPatterns(dir)
	}
	p, err := watcher.NewPatterns(dir, []string{l.config.path}, nil)
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

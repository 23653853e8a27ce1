package session

import (
	"os"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/starter"
)

// maxDeaths is how often a program that crashes soon after it became ready is
// started again, before a change is needed.
const maxDeaths = 5

// unlimited outlasts any session.
const unlimited = 365 * 24 * time.Hour

// starterOptions returns the options of the superdaemon of a session: it
// outlives bad code, and no worker outlives it. marker is a NAME=VALUE pair in
// the environment of every process of the session, output the folder of the
// binaries.
func (o Options) starterOptions(marker, output string, report func(starter.Event)) starter.Options {
	readyTimeout := o.ReadyTimeout
	if readyTimeout == 0 {
		readyTimeout = -1 // unlimited
	}
	// The rest of the time is for a program's own handling of the signal.
	drain := o.StopTimeout * 4 / 5
	if drain == 0 {
		drain = unlimited
	}
	return starter.Options{
		Ports:            o.Ports,
		Paths:            o.Paths,
		DualStack:        true,
		ReusePort:        o.Adopt,
		Ready:            o.Ready,
		Interval:         o.Interval,
		ReadyTimeout:     readyTimeout,
		ServeTimeout:     max(o.ServeTimeout, 1), // 0 is the default of starter
		Rollback:         o.Rollback,
		Overlap:          o.Overlap,
		DrainTimeout:     drain,
		CutStreams:       true,
		StopTimeout:      o.StopTimeout,
		SignalOnHUP:      o.StopSignal,
		SignalOnTerm:     o.StopSignal,
		MaxStartFailures: 1,
		MaxCrashes:       maxDeaths,
		AllowExit:        true,
		KeepRunning:      true,
		CanReexec:        true,
		KillDescendants:  true,
		EnvMarker:        marker,
		TempDir:          output,
		Report:           report,
	}
}

// builderOptions returns the options of the builder of a session.
func (e *effects) builderOptions(o Options) builder.Options {
	return builder.Options{
		Dir:       o.Dir,
		Packages:  o.Packages,
		Flags:     o.BuildFlags,
		Debug:     o.Debug,
		Adopt:     o.Adopt,
		FastBuild: o.Direct,
		Env:       append(os.Environ(), e.marker),
		Output:    e.tempDir,
		Progress:  e.onProgress,
	}
}

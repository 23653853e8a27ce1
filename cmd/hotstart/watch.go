package main

import (
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

func newWatchCmd(global *pflag.FlagSet) *cobra.Command {
	flags := newWatchFlags(global)
	cmd := &cobra.Command{
		Use:   "watch [package | files.go] [flags] [-- program arguments]",
		Short: "Build and reload a server whenever one of its source files changes",
		Long: "Watch builds the package (the one in this folder, or the only one below ./cmd),\n" +
			"runs it, and does so again whenever a file that the build reads changes. The old\n" +
			"program keeps serving until the new one is ready, and stays if the new one never\n" +
			"becomes ready.\n\n" +
			"The build adds one generated file to package main. With it, the listening sockets\n" +
			"that the program opens survive reloads, and an old worker answers its in-flight\n" +
			"requests before it stops. --adopt=off leaves the file out.\n\n" +
			"The sockets of --port and --path are opened by hotstart itself, so that connections\n" +
			"also wait during the first build. A program that listens on the same address\n" +
			"receives that socket; other programs find it by SERVER_STARTER_PORT, LISTEN_FDS or\n" +
			"the package github.com/hotstart/hotstart/starter/worker.\n\n" +
			"SIGHUP builds and reloads even if nothing has changed. SIGINT and SIGTERM stop the\n" +
			"program, then hotstart. A second signal kills both immediately.",
		Example: "  hotstart watch\n" +
			"  hotstart watch ./cmd/api --port=8080\n" +
			"  hotstart watch --port=8080 --build-flags='-tags dev -race' -- --config=dev.yaml\n" +
			"  hotstart watch ./cmd/api --port=8080 --watch='web/**/*.html'",
		RunE: func(cmd *cobra.Command, args []string) error {
			return runWatchCmd(cmd, flags, args)
		},
	}
	setUsage(cmd, flags.set, nil)
	return cmd
}

// runWatchCmd watches as the flags, the environment and hotstart.toml say.
func runWatchCmd(cmd *cobra.Command, flags *watchFlags, args []string) error {
	l, err := settings.NewLoader(flags.set, flags.given(cmd, args))
	if err != nil {
		return err
	}
	_, err = flags.load(l)
	screen, log := newLog(cmd.ErrOrStderr(), cmd)
	screen.Enqueue(log.Dropped)
	for _, line := range l.Warnings(flags.set) {
		log.Handle(report.Warning{Text: line})
	}
	if err == nil && l.Dir != l.Start {
		log.Handle(report.Notef("working in %s because of its %s", l.Dir, filepath.Base(l.Path)))
	}
	screen.Close() // the session has a queue of its own
	if err != nil {
		return err
	}
	return watch(cmd, flags.options, liveSettings(l, flags))
}

// watch runs a session that writes to the standard error of a command.
func watch(cmd *cobra.Command, o session.Options, s session.Settings) error {
	screen, log := newLog(cmd.ErrOrStderr(), cmd)
	o.Version = version()
	return session.Run(cmd.Context(), o, s, screen, log)
}

// liveSettings are the settings of a session that runs with the flags used. They
// are read with the checks of the start. Settings that can't be applied while a
// session runs keep their values.
func liveSettings(l *settings.Loader, used *watchFlags) session.Settings {
	return session.Settings{Path: l.Path, Name: l.Name(), Read: func() (c session.Change, err error) {
		flags := newWatchFlags(nil)
		if _, err := flags.load(l); err != nil {
			return c, err
		}
		if l.Ignored != nil {
			return c, l.Ignored
		}
		c.Applied, c.AppliesTo, c.Pending = flags.set.Changes(used.set)
		err = flags.set.Keep(used.set, c.Pending)
		c.Options, c.Accept = flags.options, func() { used = flags }
		return c, err
	}}
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter/daemon"
)

// clientFlags say which hotstart a command is for, and how to show the answer.
type clientFlags struct {
	path, name, dir, pidFile string
	json                     bool
}

func (f *clientFlags) addTo(cmd *cobra.Command) {
	cmd.Flags().Var(settings.Parsed(&f.name, "name", "", parseName), "name", "the hotstart that was started with --name=`name`")
	cmd.Flags().StringVar(&f.path, "control", "", "the hotstart whose control socket is at `path`")
	cmd.Flags().StringVar(&f.dir, "dir", "", "the hotstart watch of the project in `folder` (default: this folder)")
	cmd.Flags().StringVar(&f.pidFile, "pid-file", "", "the hotstart run whose --pid-file is `file`")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the answer as JSON")
}

// place returns where the hotstart listens.
func (f *clientFlags) place(flags *pflag.FlagSet) (control.Place, error) {
	var given []string
	for _, name := range []string{"name", "control", "dir", "pid-file"} {
		if flags.Changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) > 1 {
		return control.Place{}, fmt.Errorf("%s can't be used together: each finds a hotstart", strings.Join(given, " and "))
	}
	dir, err := filepath.Abs(f.dir)
	if err == nil && f.dir != "" {
		_, err = os.Stat(dir)
	}
	if err != nil {
		err = fmt.Errorf("--dir: %w", err)
	}
	return control.Place{Path: f.path, Name: f.name, Dir: dir}, err
}

// find returns a client for the hotstart.
func (f *clientFlags) find(cmd *cobra.Command) (*control.Client, error) {
	place, err := f.place(cmd.Flags())
	if err != nil {
		return nil, cli.Usage(err, cmd.CommandPath()+" --help")
	}
	if f.pidFile != "" {
		process, err := daemon.Open(f.pidFile)
		if err != nil {
			return nil, err
		}
		defer process.Close()
		place.PID = process.PID
	}
	return control.Find(place)
}

// addTimeout adds the flag --timeout.
func addTimeout(cmd *cobra.Command, to *time.Duration, usage string) {
	cmd.Flags().Var(settings.Duration(to), "timeout", usage)
}

// printJSON prints an answer as the control socket sends it.
func printJSON(cmd *cobra.Command, value any) error {
	b, err := json.Marshal(value)
	if err == nil {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", b)
	}
	return err
}

// timedOut is the exit code when the time is up, as of timeout(1).
const timedOut = 124

func newWaitCmd() *cobra.Command {
	f, timeout := &clientFlags{}, time.Minute
	cmd := &cobra.Command{
		Use:   "wait",
		Short: "Wait until what is on disk is served",
		Long: "Wait returns when exactly what is on disk at the call is served, or something newer,\n" +
			"and no old worker accepts connections any more. The exit code is 1 if it can't be\n" +
			"served, because the build, the start or a rule has failed, and 124 when the time is up.",
		Example: "  sed -i s/one/two/ main.go && hotstart wait && curl localhost:8080\n  hotstart wait --timeout=10s --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.result(cmd, func(c *control.Client) (control.Result, error) { return c.Wait(cmd.Context(), timeout) })
		},
	}
	f.addTo(cmd)
	addTimeout(cmd, &timeout, "maximum `duration` of the wait")
	return cmd
}

func newReloadCmd() *cobra.Command {
	return reloadCmd(control.Reload{}, &cobra.Command{
		Use:   "reload",
		Short: "Make a running hotstart reload the program",
		Long: "Reload makes hotstart watch build and reload the program, even if nothing has\n" +
			"changed, and hotstart run start the program once more. The old worker serves until\n" +
			"the new one is ready.\n\n" +
			"With --wait, reload returns when the new worker serves, and --drained when every\n" +
			"older worker has exited, too. The exit codes are those of hotstart wait.",
		Example: "  hotstart reload\n  hotstart reload --wait --name=api",
	})
}

func newRestartCmd() *cobra.Command {
	return reloadCmd(control.Reload{Restart: true}, &cobra.Command{
		Use:   "restart",
		Short: "Make a running hotstart start the same program again",
		Long: "Restart makes hotstart start the program again, which hotstart watch builds first only\n" +
			"if there is newer code. The old worker serves until the new one is ready.",
		Example: "  hotstart restart\n  hotstart restart --wait",
	})
}

func reloadCmd(how control.Reload, cmd *cobra.Command) *cobra.Command {
	f, timeout := &clientFlags{}, time.Minute
	cmd.Args = noArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		how.Wait = how.Wait || how.Drained
		return f.result(cmd, func(c *control.Client) (control.Result, error) { return c.Reload(cmd.Context(), how, timeout) })
	}
	f.addTo(cmd)
	cmd.Flags().BoolVar(&how.Wait, "wait", false, "wait until the new worker serves")
	cmd.Flags().BoolVar(&how.Drained, "drained", false, "wait until every older worker has exited, too")
	addTimeout(cmd, &timeout, "maximum `duration` of the wait")
	return cmd
}

// result shows the result of a request, which becomes the exit code.
func (f *clientFlags) result(cmd *cobra.Command, ask func(*control.Client) (control.Result, error)) error {
	c, err := f.find(cmd)
	if err != nil {
		return err
	}
	r, err := ask(c)
	if err != nil {
		return err
	}
	if f.json {
		err = printJSON(cmd, r)
	} else {
		showResult(cmd.OutOrStdout(), cmd.ErrOrStderr(), r)
	}
	code := cli.Failure
	switch r.Outcome {
	case control.Served, control.Accepted:
		return err
	case control.TimedOut:
		code = timedOut
	}
	return &cli.Error{Err: errors.New(string(r.Outcome)), Code: code, Reported: true}
}

// showResult prints a success to out, anything else to stderr.
func showResult(out, stderr io.Writer, r control.Result) {
	line := func(w io.Writer, format string, args ...any) {
		fmt.Fprintln(w, term.CleanLine(fmt.Sprintf(format, args...)))
	}
	switch r.Outcome {
	case control.Served:
		showServed(func(format string, args ...any) { line(out, format, args...) }, r)
	case control.Accepted:
		line(out, "requested")
	case control.TimedOut:
		line(stderr, "hotstart: the time is up; the state is %q (--timeout waits longer)", r.State)
	case control.Ends:
		line(stderr, "hotstart: %v", control.ErrEnds)
	}
	if r.Failure != nil {
		line(stderr, "hotstart: %s", r.Failure.Message)
		report.WriteDiagnostics(stderr, r.Failure)
	}
}

func showServed(line func(format string, args ...any), r control.Result) {
	if r.Serving == nil {
		line("the program has ended with status 0")
		return
	}
	line("worker %d (pid %d) is serving", r.Serving.Generation, r.Serving.PID)
	if r.Receipt == nil {
		return
	}
	text := "ready after " + report.Duration(r.Receipt.ReadyMS).String()
	if d := r.Receipt.DrainedMS; d != nil {
		text += "; older workers had exited after " + report.Duration(*d).String()
	}
	if n := r.Receipt.Drops; n != nil {
		text += fmt.Sprintf("; %d connections were dropped from full listen queues", *n)
	}
	line("%s", text)
}

func newStopCmd() *cobra.Command {
	f, timeout := &clientFlags{}, time.Duration(0)
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "Stop a running hotstart and its program",
		Long: "Stop ends the program as SIGTERM to hotstart does: old requests are answered first.\n" +
			"It returns when hotstart has ended.",
		Example: "  hotstart stop\n  hotstart stop --name=api",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := f.find(cmd)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			if timeout > 0 {
				var cancel context.CancelFunc
				stopped := &cli.Error{Err: fmt.Errorf("hotstart has not ended within %v", timeout), Code: timedOut}
				ctx, cancel = context.WithTimeoutCause(ctx, timeout, stopped)
				defer cancel()
			}
			return c.Stop(ctx)
		},
	}
	f.addTo(cmd)
	cmd.Flags().Lookup("json").Hidden = true // there is no answer
	addTimeout(cmd, &timeout, "maximum `duration` until it has ended (0: unlimited)")
	return cmd
}

func newEventsCmd() *cobra.Command {
	f, last, follow := &clientFlags{}, 0, true
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Print what happens in a running hotstart",
		Long: "Events prints each event of a running hotstart as it happens, until hotstart ends:\n" +
			"the message, or with --json the object that hotstart watch --log-format=json prints.",
		Example: "  hotstart events\n  hotstart events --last=20 --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := f.find(cmd)
			if err != nil {
				return err
			}
			for event, err := range c.Events(cmd.Context(), last, follow) {
				if err != nil {
					return err
				}
				if err := f.printEvent(cmd, event); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f.addTo(cmd)
	cmd.Flags().Var(settings.Count(&last), "last", "begin with the last `n` events")
	cmd.Flags().BoolVarP(&follow, "follow", "f", follow, "keep printing the events that come")
	return cmd
}

func (f *clientFlags) printEvent(cmd *cobra.Command, object control.Event) error {
	if f.json {
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", object)
		return err
	}
	var e struct {
		Time    time.Time
		Message string
		Missed  int
	}
	if err := json.Unmarshal(object, &e); err != nil {
		return fmt.Errorf("reading an event: %w", err)
	}
	if e.Missed > 0 {
		e.Message = fmt.Sprintf("%d events were missed, because this command was too slow", e.Missed)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", e.Time.Local().Format("15:04:05.000"), term.CleanLine(e.Message))
	return err
}

func newLogsCmd() *cobra.Command {
	f, last, follow := &clientFlags{}, 1000, false
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Print the last output of the program of a running hotstart",
		Long: "Logs prints the last lines that the program has written. hotstart watch keeps the last\n" +
			"MiB of stderr, and of stdout if both are the same terminal or file; each line is\n" +
			"printed after the number of its worker. For hotstart run, logs reads the files that\n" +
			"stdout and stderr are, for example that of --log-file.",
		Example: "  hotstart logs\n  hotstart logs -f --last=20",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := f.find(cmd)
			if err != nil {
				return err
			}
			for l, err := range c.Logs(cmd.Context(), last, follow) {
				if err == nil && f.json {
					err = printJSON(cmd, l)
				} else if err == nil {
					_, err = fmt.Fprintln(cmd.OutOrStdout(), describeLine(l))
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	f.addTo(cmd)
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "keep printing the lines that come")
	cmd.Flags().Var(settings.Count(&last), "last", "begin with the last `n` lines")
	return cmd
}

// describeLine returns a line of the program, after the number of its worker.
func describeLine(l control.Line) string {
	switch {
	case l.Missed > 0:
		return fmt.Sprintf("(%d lines were missed, because this command was too slow)", l.Missed)
	case l.Worker == 0:
		return term.Clean(l.Text)
	}
	return fmt.Sprintf("%d | %s", l.Worker, term.Clean(l.Text))
}

package session

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/browser"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/machine"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
	"github.com/hotstart/hotstart/templates"
	"github.com/hotstart/hotstart/watcher"
)

// Run runs a session until a signal or a key ends it, or with Options.Exit the
// program. Events are written to log, which writes to screen.
//
// The sockets are opened first, so that connections wait during the first
// build. The error is a *cli.Error if it has an exit code of its own.
func Run(ctx context.Context, o Options, settings Settings, screen *term.Screen, log *report.Log) (err error) {
	screen.Enqueue(log.Dropped)
	defer screen.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.Dir == "" {
		if o.Dir, err = os.Getwd(); err != nil {
			return err
		}
	}
	log.Dir = o.Dir
	if o.Fresh > 0 && !o.Builder.Adopt {
		log.Handle(report.Warningf("--fresh has no effect with --adopt=off: clients of a program that is not instrumented do not wait"))
	}
	e := &effects{
		o: o, settings: settings, ctx: ctx, marker: "HOTSTART_INSTANCE=" + rand.Text(),
		log:     log,
		console: console{screen: screen, streams: term.NewStreams(screen, o.PTY)},
		pages:   &report.Pages{Dir: o.Dir},
		events:  make(chan machine.Event), progress: make(chan builder.Progress, 1),
		streamsOf: map[*machine.Program]programStreams{},
	}
	l := &loop{effects: e, signals: make(chan os.Signal, 4), tty: term.FindControllingTTY()}
	signal.Notify(l.signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(l.signals)

	parent := cmp.Or(os.Getenv("GOTMPDIR"), os.TempDir()) // as the go command
	if e.tempDir, err = makeTempDir(parent); err != nil {
		return err
	}
	defer os.RemoveAll(e.tempDir)
	if err := os.Mkdir(filepath.Join(e.tempDir, "flush"), 0o700); err != nil {
		return err
	}
	if e.stdin, err = os.Open(os.DevNull); err != nil {
		return err
	}
	defer e.stdin.Close()
	if e.pages.Server, err = e.servePages(); err != nil {
		return err
	}
	if e.pages.Server != nil {
		defer e.pages.Server.Close()
	}
	e.page = browser.NewPage(templates.ErrorPage())
	defer e.page.Close()
	if o.injects() {
		e.page.Pages = e.pages.Server
	}
	if err := l.listen(log); err != nil {
		return err
	}
	defer l.control.close()
	if interrupted, err := e.open(); interrupted || err != nil {
		return err
	}
	log.LAN = lanHost()
	log.HTTP = func() bool { return e.builder.Imports("net/http") || e.builder.Imports("github.com/valyala/fasthttp") }
	defer func() { e.builder.Close() }() // the current one
	defer e.tasks.Wait()
	e.alerts = report.NewAlerts(screen, programName(o.Dir, e.builder.Package()))
	e.alerts.Bell, e.alerts.Notify = o.Bell, o.Notify
	defer e.alerts.Close()
	e.sinks = report.Sinks{log, report.NewStatusLine(log), e.alerts, e.pages}
	if l.control.server != nil {
		e.sinks = append(e.sinks, report.Objects{View: log.View, To: l.control.events.Add})
	}
	if err := e.attach(ctx, o.Stdin); err != nil {
		e.starter.Close()
		return err
	}
	defer e.detach()
	err = l.runAll()
	cancel()
	e.streams.Flush()
	if failed := e.runOnStop(l.signals); err == nil {
		err = failed
	}
	return err
}

// runAll runs the starter, the watcher and the loop until the starter has
// ended.
func (l *loop) runAll() error {
	served, unwatched := make(chan error, 1), make(chan error, 1)
	go func() { served <- l.starter.Run(context.Background()) }()
	go func() { unwatched <- l.watcher.Run(l.ctx) }()
	l.machine = machine.New(l.policy(), l.starter.Addresses(), l.patterns.engine(l.o))
	first := machine.Began{Package: l.builder.Package(), Postpone: l.o.Postpone, Keys: l.keys != nil}
	if l.o.offersScript() {
		first.ScriptURL = l.pages.Server.URL()
	}
	return l.run(first, served, unwatched)
}

// open makes the starter with its sockets, the builder and the watcher. That may
// take long, for example while the go command is downloaded; a signal interrupts
// it.
func (e *effects) open() (interrupted bool, err error) {
	ctx, stop := signal.NotifyContext(e.ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if e.patterns, err = newPatterns(e.o, e.settings.Path); err != nil {
		return false, cli.Usage(err, "hotstart watch --help")
	}
	onEvent := func(ev starter.Event) { e.send(machine.WorkerEvent{Event: ev}) }
	if e.starter, err = starter.New(e.o.starterOptions(e.marker, e.tempDir, onEvent)); err != nil {
		return false, err
	}
	notef := func(format string, args ...any) { e.log.Handle(report.Notef(format, args...)) } // from several goroutines
	if e.builder, err = builder.New(ctx, e.builderOptions(e.o)); err == nil {
		e.watcher, err = watcher.New(watcher.Options{Poll: e.o.Poll, Logf: notef, MarkerDir: filepath.Join(e.tempDir, "flush")})
	}
	if err == nil {
		return false, nil
	}
	e.starter.Close()
	if ctx.Err() != nil {
		return true, nil
	}
	return false, err
}

// lanHost returns the address of this machine on the network that leads to other
// networks, or "" without one. It sends nothing: connect(2) on a UDP socket only
// looks for a route.
func lanHost() string {
	conn, err := net.Dial("udp4", "192.0.2.1:9") // an address for documentation (RFC 5737)
	if err != nil {
		return ""
	}
	defer conn.Close()
	host := conn.LocalAddr().(*net.UDPAddr).IP
	if host.IsLoopback() {
		return ""
	}
	return host.String()
}

// programName returns a short name for what is built in dir: "api" for ./cmd/api.
func programName(dir, pattern string) string {
	first, _, _ := strings.Cut(pattern, " ")
	return strings.TrimSuffix(filepath.Base(filepath.Join(dir, first)), ".go")
}

// injects reports whether an instrumented program adds the script to its pages.
func (o Options) injects() bool { return o.Browser != BrowserOff && o.Builder.Adopt }

// offersScript reports whether pages can include the script of the server.
func (o Options) offersScript() bool {
	return o.Browser != BrowserOff && o.Browser != BrowserAuto || len(o.Refresh) > 0
}

// servePages starts the server for pages, if an option asks for it. The server
// runs until it is closed. Without a flag for it, the session does not need it.
func (e *effects) servePages() (*browser.Server, error) {
	if !e.o.injects() && !e.o.offersScript() {
		return nil, nil
	}
	port, _ := strconv.Atoi(e.o.Browser) // 0, a free port, for BrowserAuto and BrowserOff
	script := templates.Script
	if e.o.BrowserLog {
		script = slices.Concat(templates.LogScript, script)
	}
	server, err := browser.Listen(port, script)
	switch {
	case err != nil && !e.o.offersScript():
		e.log.Handle(report.Warningf("listening for browsers: %v; pages do not reload by themselves", err))
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("listening for browsers: %w", err)
	}
	server.Injected = func() { e.log.Handle(report.PagesReload{}) }
	server.Blocked = func(directive, tag string) { e.log.Handle(report.PagesBlocked{Directive: directive, Tag: tag}) }
	if e.o.BrowserLog {
		server.LogErrors(func(p browser.PageError) { e.send(report.PageError{PageError: p}) }, func(n int) { e.send(report.PageErrorsLeftOut{N: n}) })
	}
	go server.Serve()
	return server, nil
}

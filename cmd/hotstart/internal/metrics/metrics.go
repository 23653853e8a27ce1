// Package metrics counts what a starter does, and shows the counters in the text format
// of Prometheus. It has no timers: a scrape reads what events have left.
package metrics

import (
	"fmt"
	"net/http"
	"time"

	vm "github.com/VictoriaMetrics/metrics"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control/roster"
	"github.com/hotstart/hotstart/starter"
)

// Metrics are the metrics of one starter. Make them with New. Handle is called by one
// goroutine at a time; ServeHTTP may be called meanwhile.
type Metrics struct {
	families []family // in the order of the output
	roster   roster.Roster
	served   bool              // a worker has served
	crashed  bool              // no worker has taken over since a worker crashed
	told     map[int]time.Time // workers that served, by generation: when they were asked to finish

	generation                          *vm.Gauge
	starting, serving, draining         *vm.Gauge
	ready, failed, timedOut, superseded *vm.Counter // starts
	reloaded, notReloaded, rolledBack   *vm.Counter // reloads
	restarts, kills                     *vm.Counter
	readySeconds, drainedSeconds        *vm.PrometheusHistogram
}

// family is a metric with all of its labels.
type family struct {
	name, kind, help string
	set              *vm.Set
}

// Upper bounds of the histograms, in seconds.
var (
	readyBounds   = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}
	drainedBounds = []float64{0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900}
)

// New returns the metrics of a starter without workers. version is that of hotstart, and
// began the time of its start.
func New(version string, began time.Time) *Metrics {
	m := &Metrics{told: map[int]time.Time{}}
	gauge := func(s *vm.Set, name string, value float64) *vm.Gauge {
		g := s.NewGauge(name, nil)
		g.Set(value)
		return g
	}
	info := m.family("hotstart_info", "gauge", "The version of hotstart, as a label.")
	gauge(info, fmt.Sprintf("hotstart_info{version=%q}", version), 1)
	start := m.family("hotstart_start_time_seconds", "gauge", "When hotstart began, in seconds since 1970.")
	gauge(start, "hotstart_start_time_seconds", float64(began.UnixMilli())/1000)
	m.generation = gauge(m.family("hotstart_generation", "gauge", "The generation of the worker that serves; 0 if none does."), "hotstart_generation", 0)

	workers := m.family("hotstart_workers", "gauge", "Processes of the program.")
	m.starting = gauge(workers, `hotstart_workers{state="starting"}`, 0)
	m.serving = gauge(workers, `hotstart_workers{state="serving"}`, 0)
	m.draining = gauge(workers, `hotstart_workers{state="draining"}`, 0)

	starts := m.family("hotstart_worker_starts_total", "counter", "Starts of workers that have ended, by result.")
	m.ready = starts.NewCounter(`hotstart_worker_starts_total{result="ready"}`)
	m.failed = starts.NewCounter(`hotstart_worker_starts_total{result="failed"}`)
	m.timedOut = starts.NewCounter(`hotstart_worker_starts_total{result="timed_out"}`)
	m.superseded = starts.NewCounter(`hotstart_worker_starts_total{result="superseded"}`)

	reloads := m.family("hotstart_reloads_total", "counter", "Reloads by result. A reload that was rolled back was served before.")
	m.reloaded = reloads.NewCounter(`hotstart_reloads_total{result="served"}`)
	m.notReloaded = reloads.NewCounter(`hotstart_reloads_total{result="failed"}`)
	m.rolledBack = reloads.NewCounter(`hotstart_reloads_total{result="rolled_back"}`)

	m.restarts = m.family("hotstart_restarts_total", "counter", "Restarts because a worker that served had exited by itself.").NewCounter("hotstart_restarts_total")
	m.kills = m.family("hotstart_kills_total", "counter", "Workers that did not exit in time and were killed.").NewCounter("hotstart_kills_total")

	m.readySeconds = m.family("hotstart_ready_seconds", "histogram", "Time from the start of a worker until it was ready.").
		NewPrometheusHistogramExt("hotstart_ready_seconds", readyBounds)
	m.drainedSeconds = m.family("hotstart_drained_seconds", "histogram", "Time from the request to an old worker to finish until it had exited.").
		NewPrometheusHistogramExt("hotstart_drained_seconds", drainedBounds)

	if before, ok := control.ListenDrops(); ok {
		now := func() float64 {
			n, _ := control.ListenDrops()
			return float64(n - before)
		}
		const name = "hotstart_listen_drops_total"
		m.family(name, "counter", "Connections that the kernel has dropped from full listen queues, of all programs in the network namespace.").NewGauge(name, now)
	}
	return m
}

// family adds a metric to the output.
func (m *Metrics) family(name, kind, help string) *vm.Set {
	f := family{name, kind, help, vm.NewSet()}
	m.families = append(m.families, f)
	return f.set
}

// ServeHTTP answers with the metrics.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	for _, f := range m.families {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
		f.set.WritePrometheus(w)
	}
}

// Handle counts an event of the starter.
func (m *Metrics) Handle(now time.Time, e starter.Event) {
	switch e.Kind {
	case starter.Serving:
		m.serves(now, e)
	case starter.Failed, starter.TimedOut:
		m.startFailed(e)
	case starter.Superseded:
		m.superseded.Inc()
	case starter.Retiring:
		m.finishes(now, e.Worker)
	case starter.Crashed, starter.RolledBack:
		m.dies(e)
	case starter.Killing:
		m.kills.Inc()
	case starter.Exited:
		if since, ok := m.told[e.Worker.Generation]; ok {
			delete(m.told, e.Worker.Generation)
			m.drainedSeconds.Update(now.Sub(since).Seconds())
		}
	}
	m.roster.Handle(now, e)
	m.showWorkers()
}

func (m *Metrics) serves(now time.Time, e starter.Event) {
	m.ready.Inc()
	m.readySeconds.Update(e.Elapsed.Seconds())
	if m.served && !m.crashed {
		m.reloaded.Inc()
	}
	m.served, m.crashed = true, false
	if e.Delay > 0 {
		return // Retiring follows
	}
	for _, w := range e.Others {
		m.finishes(now, w)
	}
}

func (m *Metrics) startFailed(e starter.Event) {
	if e.Kind == starter.TimedOut {
		m.timedOut.Inc()
	} else {
		m.failed.Inc()
	}
	if m.served && !m.crashed {
		m.notReloaded.Inc()
	}
}

// dies notes a worker that served and exited by itself.
func (m *Metrics) dies(e starter.Event) {
	if e.Kind == starter.RolledBack {
		m.rolledBack.Inc()
		for _, w := range e.Others { // they serve again
			delete(m.told, w.Generation)
		}
		m.crashed = len(e.Others) == 0
		return
	}
	m.crashed = true
	if e.Restarting {
		m.restarts.Inc()
	}
}

// finishes notes when a worker that served was asked to finish, the first time.
func (m *Metrics) finishes(now time.Time, w starter.Worker) {
	if _, ok := m.told[w.Generation]; !ok {
		m.told[w.Generation] = now
	}
}

// showWorkers sets the gauges of the workers.
func (m *Metrics) showWorkers() {
	var generation, serving, starting float64
	if w := m.roster.Serving; w != nil {
		generation, serving = float64(w.Generation), 1
	}
	if m.roster.Starting != nil {
		starting = 1
	}
	m.generation.Set(generation)
	m.serving.Set(serving)
	m.starting.Set(starting)
	m.draining.Set(float64(len(m.roster.Draining)))
}

package metrics

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hotstart/hotstart/starter"
)

var began = time.Unix(1_000_000, 500_000_000)

func worker(generation int) starter.Worker {
	return starter.Worker{Generation: generation, PID: 100 + generation}
}

// scrape reads the metrics over TCP, with the parser of Prometheus: values by name and labels.
func scrape(t *testing.T, m *Metrics) map[string]float64 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go m.Serve(l)
	answer, err := http.Get("http://" + l.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if format := expfmt.ResponseFormat(answer.Header); format.FormatType() != expfmt.TypeTextPlain {
		t.Errorf("the format is %q", format)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(text)))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	values := map[string]float64{}
	for name, f := range families {
		if f.GetHelp() == "" {
			t.Errorf("%s has no help", name)
		}
		for _, metric := range f.Metric {
			key := name
			for _, label := range metric.Label {
				key += "," + label.GetValue()
			}
			switch {
			case metric.Counter != nil:
				values[key] = metric.Counter.GetValue()
			case metric.Gauge != nil:
				values[key] = metric.Gauge.GetValue()
			case metric.Histogram != nil:
				values[key+",count"] = float64(metric.Histogram.GetSampleCount())
				values[key+",sum"] = metric.Histogram.GetSampleSum()
				for _, b := range metric.Histogram.Bucket {
					values[fmt.Sprintf("%s,le=%g", key, b.GetUpperBound())] = float64(b.GetCumulativeCount())
				}
			default:
				t.Errorf("%s has no type", name)
			}
		}
	}
	return values
}

func TestMetrics(t *testing.T) {
	serving := func(generation int, old ...int) starter.Event {
		e := starter.Event{Kind: starter.Serving, Worker: worker(generation), Elapsed: 200 * time.Millisecond}
		for _, w := range old {
			e.Others = append(e.Others, worker(w))
		}
		return e
	}
	is := func(kind starter.Kind, generation int) starter.Event {
		return starter.Event{Kind: kind, Worker: worker(generation)}
	}
	type moment struct {
		at float64
		starter.Event
	}
	reload := []moment{{0, is(starter.Starting, 1)}, {0.2, serving(1)}, {10, is(starter.Starting, 2)}, {10.2, serving(2, 1)}}
	late := serving(2, 1)
	late.Delay = 5 * time.Second
	returned := is(starter.RolledBack, 2)
	returned.Others = []starter.Worker{worker(1)}
	restarted := is(starter.Crashed, 1)
	restarted.Restarting = true
	for name, test := range map[string]struct {
		events []moment
		want   map[string]float64 // without those that are 0
	}{
		"nothing has happened": {nil, nil},
		"a first start is not a reload": {reload[:2],
			map[string]float64{"hotstart_generation": 1, "hotstart_workers,serving": 1, "hotstart_worker_starts_total,ready": 1,
				"hotstart_ready_seconds,count": 1, "hotstart_ready_seconds,sum": 0.2, "hotstart_ready_seconds,le=0.25": 1}},
		"a worker starts": {reload[:3],
			map[string]float64{"hotstart_generation": 1, "hotstart_workers,serving": 1, "hotstart_workers,starting": 1, "hotstart_worker_starts_total,ready": 1}},
		"a reload": {reload, map[string]float64{"hotstart_generation": 2, "hotstart_workers,serving": 1, "hotstart_workers,draining": 1,
			"hotstart_worker_starts_total,ready": 2, "hotstart_reloads_total,served": 1}},
		"an old worker has drained": {append(reload, moment{13.2, is(starter.Exited, 1)}), map[string]float64{"hotstart_generation": 2,
			"hotstart_workers,serving": 1, "hotstart_worker_starts_total,ready": 2, "hotstart_reloads_total,served": 1,
			"hotstart_drained_seconds,count": 1, "hotstart_drained_seconds,sum": 3, "hotstart_drained_seconds,le=5": 1}},
		"an old worker that is kept does not drain yet": {append(reload[:3:3], moment{10.2, late}, moment{15.2, is(starter.Retiring, 1)}, moment{15.7, is(starter.Exited, 1)}),
			map[string]float64{"hotstart_generation": 2, "hotstart_workers,serving": 1, "hotstart_worker_starts_total,ready": 2,
				"hotstart_reloads_total,served": 1, "hotstart_drained_seconds,count": 1, "hotstart_drained_seconds,sum": 0.5}},
		"one worker at a time": {append(reload[:2:2], moment{5, is(starter.Retiring, 1)}, moment{7, is(starter.Exited, 1)}, moment{7, is(starter.Starting, 2)}, moment{7.2, serving(2)}),
			map[string]float64{"hotstart_generation": 2, "hotstart_workers,serving": 1, "hotstart_worker_starts_total,ready": 2,
				"hotstart_reloads_total,served": 1, "hotstart_drained_seconds,count": 1, "hotstart_drained_seconds,sum": 2}},
		"failed reloads": {append(reload[:3:3], moment{11, is(starter.Failed, 2)}, moment{12, is(starter.Starting, 3)}, moment{42, is(starter.TimedOut, 3)},
			moment{43, is(starter.Killing, 3)}, moment{43, is(starter.Exited, 3)}, moment{44, is(starter.Starting, 4)}, moment{44.1, is(starter.Superseded, 4)}),
			map[string]float64{"hotstart_generation": 1, "hotstart_workers,serving": 1, "hotstart_workers,draining": 1, "hotstart_worker_starts_total,ready": 1,
				"hotstart_worker_starts_total,failed": 1, "hotstart_worker_starts_total,timed_out": 1, "hotstart_worker_starts_total,superseded": 1,
				"hotstart_reloads_total,failed": 2, "hotstart_kills_total": 1}},
		"a failed first start is not a reload": {append(reload[:1:1], moment{1, is(starter.Failed, 1)}), map[string]float64{"hotstart_worker_starts_total,failed": 1}},
		"a restart is not a reload": {append(reload[:2:2], moment{5, restarted}, moment{5, is(starter.Starting, 2)}, moment{5.2, serving(2)}),
			map[string]float64{"hotstart_generation": 2, "hotstart_workers,serving": 1, "hotstart_worker_starts_total,ready": 2, "hotstart_restarts_total": 1}},
		"a rollback": {append(reload, moment{11, returned}, moment{20, is(starter.Exited, 1)}), map[string]float64{"hotstart_worker_starts_total,ready": 2,
			"hotstart_reloads_total,served": 1, "hotstart_reloads_total,rolled_back": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			m := New("v1", began)
			for _, e := range test.events {
				m.Handle(began.Add(time.Duration(e.at*float64(time.Second))), e.Event)
			}
			got := scrape(t, m)
			for key, want := range test.want {
				if diff := got[key] - want; diff > 1e-9 || diff < -1e-9 {
					t.Errorf("%s is %g, want %g", key, got[key], want)
				}
			}
			for key, value := range got {
				_, known := test.want[key]
				if value != 0 && !known && !strings.Contains(key, "_seconds") && !strings.HasPrefix(key, "hotstart_info") && !strings.HasPrefix(key, "hotstart_listen") {
					t.Errorf("%s is %g", key, value)
				}
			}
			if got["hotstart_info,v1"] != 1 || got["hotstart_start_time_seconds"] != 1_000_000.5 {
				t.Errorf("%v", got)
			}
		})
	}
}

func TestTheDocsListEveryMetric(t *testing.T) {
	docs, err := os.ReadFile("../../../../docs/run.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range New("v1", began).families {
		if !strings.Contains(string(docs), "\n| `"+f.name) {
			t.Errorf("docs/run.md does not list %s", f.name)
		}
	}
}

package main

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/rogpeppe/go-internal/testscript"
)

// metrics URL|SOCKET LINE...: waits until all lines are in the metrics. The parser of
// Prometheus accepts the text.
func cmdMetrics(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	transport, url := &http.Transport{DisableKeepAlives: true}, args[0]
	if !strings.HasPrefix(url, "http") {
		found, err := filepath.Glob(ts.MkAbs(args[0]))
		if err != nil || len(found) != 1 {
			ts.Fatalf("%s is %q, %v", args[0], found, err)
		}
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", found[0])
		}
		url = "http://hotstart/metrics"
	}
	client := &http.Client{Timeout: patience, Transport: transport}
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		body, err := fetch(client, url)
		ts.Check(err)
		parser := expfmt.NewTextParser(model.LegacyValidation)
		if _, err := parser.TextToMetricFamilies(strings.NewReader(body)); err != nil {
			ts.Fatalf("%v\n%s", err, body)
		}
		missing := ""
		for _, line := range args[1:] {
			if !strings.Contains("\n"+body, "\n"+line+"\n") {
				missing = line
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%q is not in\n%s", missing, body)
		}
	}
}

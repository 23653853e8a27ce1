package adopt_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkRequests measures a server with and without instrumentation. The processor time of the server alone is
// cpu-ns/op, which does not include the clients.
func BenchmarkRequests(b *testing.B) {
	source, err := filepath.Abs("testdata/server")
	if err != nil {
		b.Fatal(err)
	}
	plain := filepath.Join(b.TempDir(), "plain")
	if out, err := goCommand(source, "build", "-ldflags=-s -w", "-o", plain).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	adopted := build(b, source)
	for _, connections := range []string{"many", "kept"} {
		for _, server := range []struct{ name, path string }{{"plain", plain}, {"adopted", adopted}} {
			b.Run("connections="+connections+"/server="+server.name, func(b *testing.B) {
				address := freePort(b, "127.0.0.1")
				r := start(b, server.path, []string{"plain", address}, nil)
				until(b, "it listens", func() bool { return answers(address) })
				transport := &http.Transport{DisableKeepAlives: connections == "many", MaxIdleConnsPerHost: 16}
				client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
				var lost atomic.Int64
				b.SetParallelism(8)
				b.ResetTimer()
				before := cpuTime(b, r.seen()[0].Worker.PID)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if post(client, "http://"+address) != nil {
							lost.Add(1)
						}
					}
				})
				b.ReportMetric(float64(cpuTime(b, r.seen()[0].Worker.PID)-before)/float64(b.N), "cpu-ns/op")
				if n := lost.Load(); n > 0 {
					b.Errorf("%d lost", n)
				}
			})
		}
	}
}

// cpuTime returns the processor time of a process, in steps of 10 ms: /proc/PID/stat of proc(5).
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		b.Skip(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')'):]))
	user, _ := strconv.Atoi(fields[12-1])
	system, _ := strconv.Atoi(fields[13-1])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// BenchmarkBuild builds a program after an edit, alternately with and without instrumentation, and reports the
// medians. For a measurement use -benchtime=40x.
func BenchmarkBuild(b *testing.B) {
	const source = "package main\n\nimport (\n\t\"fmt\"\n\t\"net/http\"\n)\n\nfunc main() {\n\tfmt.Println(\"%d\")\n\thttp.ListenAndServe(\"\", nil)\n}\n"
	dir := module(b, map[string]string{"main.go": fmt.Sprintf(source, -1)})
	of, err := ofDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	of.Output = b.TempDir()
	adoption, err := of.Adopt()
	if err != nil {
		b.Fatal(err)
	}
	ways := []struct {
		flags []string
		took  []time.Duration
	}{{flags: []string{"-ldflags=-s -w"}}, {flags: adoption.Flags}}
	edits := 0
	build := func(way int) time.Duration {
		edits++
		writeFile(b, filepath.Join(dir, "main.go"), fmt.Sprintf(source, edits))
		cmd := goCommand(dir, append([]string{"build", "-o", filepath.Join(of.Output, "program")}, ways[way].flags...)...)
		began := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		return time.Since(began)
	}
	build(0)
	build(1)
	for b.Loop() {
		for i := range ways {
			ways[i].took = append(ways[i].took, build(i))
		}
	}
	plain, adopted := median(ways[0].took), median(ways[1].took)
	b.ReportMetric(float64(plain.Milliseconds()), "plain-ms")
	b.ReportMetric(float64(adopted.Milliseconds()), "adopted-ms")
	b.ReportMetric(float64(adopted)/float64(plain), "ratio")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A real is a program of somebody else, as its authors wrote it.
type real struct {
	name     string
	module   string // of the module proxy, with version
	main     string // package in it
	of       string // what it serves by
	args     []string
	prepares map[string]string // files that it needs, in DIR
	kinds    func(w words) []kind
}

// words are what args and files have in the place of PORT, OTHER and DIR.
type words struct{ port, other, dir string }

func (w words) in(s string) string {
	return strings.NewReplacer("PORT", w.port, "OTHER", w.other, "DIR", w.dir).Replace(s)
}

// page asks for a page on PORT.
func page(path string) func(w words) []kind {
	return func(w words) []kind { return pages("http://127.0.0.1:"+w.port+path, http.StatusOK) }
}

func reals() []real {
	const petstore = "github.com/deepmap/oapi-codegen@v1.12.4"
	pets := []string{"-port=PORT"}
	return []real{
		{"petstore-gin", petstore, "./examples/petstore-expanded/gin", "gin", pets, nil, page("/pets")},
		{"petstore-echo", petstore, "./examples/petstore-expanded/echo", "echo", pets, nil, page("/pets")},
		{"petstore-chi", petstore, "./examples/petstore-expanded/chi", "chi", pets, nil, page("/pets")},
		{"fileserver", "github.com/valyala/fasthttp@v1.78.0", "./examples/fileserver", "fasthttp",
			[]string{"-addr=127.0.0.1:PORT", "-dir=DIR"}, map[string]string{"a.txt": "hello\n"}, page("/a.txt")},
		{"testserver", "github.com/fullstorydev/grpcurl@v1.9.4", "./internal/testing/cmd/testserver", "grpc",
			[]string{"-p=PORT", "-q"}, nil, func(w words) []kind { return calls(w.port, "/testing.TestService/EmptyCall") }},
		{"go-httpbin", "github.com/mccutchen/go-httpbin/v2@v2.26.0", "./cmd/go-httpbin", "net/http, its own Shutdown",
			[]string{"-host=127.0.0.1", "-port=PORT"}, nil, page("/get")},
		{"podinfo", "github.com/stefanprodan/podinfo@v1.8.1-0.20250910200901-e86405a8674e", "./cmd/podinfo", "gorilla/mux, its own Shutdown",
			[]string{"--host=127.0.0.1", "--port=PORT", "--level=error"}, nil, page("/version")},
		{"node_exporter", "github.com/prometheus/node_exporter@v1.12.1", ".", "exporter-toolkit",
			[]string{"--web.listen-address=127.0.0.1:PORT", "--collector.disable-defaults", "--log.level=error"}, nil, page("/")},
		{"tusd", "github.com/tus/tusd/v2@v2.9.1", "./cmd/tusd", "net/http and Prometheus",
			[]string{"-host=127.0.0.1", "-port=PORT", "-upload-dir=DIR"}, nil, page("/")},
		{"caddy", "github.com/caddyserver/caddy/v2@v2.11.9", "./cmd/caddy", "its own listeners",
			[]string{"respond", "--listen=127.0.0.1:PORT", "--body=hello"}, nil, page("/")},
		{"hugo server", "github.com/gohugoio/hugo@v0.164.0", ".", "net/http, errgroup",
			[]string{"server", "--source=DIR", "--bind=127.0.0.1", "--port=PORT", "--watch=false", "--disableLiveReload"},
			map[string]string{"hugo.toml": "title = 'a'\n", "layouts/home.html": "hello\n"}, page("/")},
		{"echo", "github.com/gorilla/websocket@v1.5.0", "./examples/echo/server.go", "websocket",
			[]string{"-addr=127.0.0.1:PORT"}, nil, func(w words) []kind { return []kind{webSocket(w.port, "/echo")} }},
		{"nats-server", "github.com/nats-io/nats-server/v2@v2.15.2", ".", "raw TCP, and net/http",
			[]string{"-a=127.0.0.1", "-p=PORT", "-m=OTHER"}, nil, func(w words) []kind {
				return append(pages("http://127.0.0.1:"+w.other+"/", http.StatusOK), exchange(w.port, "INFO ", "PING\r\n", "PONG\r\n"))
			}},
		{"mochi-mqtt", "github.com/mochi-mqtt/server/v2@v2.7.9", "./cmd", "raw TCP",
			[]string{"-tcp=127.0.0.1:PORT", "-ws=127.0.0.1:0", "-info=127.0.0.1:OTHER"}, nil, func(w words) []kind {
				const connect, accepted = "\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", "\x20\x02\x00\x00" // MQTT 3.1.1, 3.1 and 3.2
				return []kind{exchange(w.port, "", connect, accepted)}
			}},
		{"coredns", "github.com/coredns/coredns@v1.15.0", ".", "miekg/dns, over TCP",
			[]string{"-conf=DIR/Corefile", "-dns.port=PORT"}, map[string]string{"Corefile": ".:PORT {\n\twhoami\n}\n"},
			func(w words) []kind { return []kind{dns(w.port)} }},
	}
}

// runReals reloads programs of others under load and prints a table.
func runReals(args []string) error {
	flags := flag.NewFlagSet("programs", flag.ContinueOnError)
	reloads := flags.Int("reloads", 10, "reloads of each program")
	clients := flags.Int("clients", 8, "clients of each kind")
	least := flags.Int("requests", 50000, "take the time for so many requests to each program")
	names := flags.String("programs", "", "which to measure, with commas between; all if empty")
	binary := flags.String("hotstart", "", "the hotstart to measure; built from this checkout if empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := newBench(*binary)
	if err != nil {
		return err
	}
	defer b.close()
	fmt.Print("| program | serves by | clients | reloads | requests | lost |\n|---|---|---|---|---|---|\n")
	for _, r := range reals() {
		if *names != "" && !slices.Contains(strings.Split(*names, ","), r.name) {
			continue
		}
		counts, err := b.tries(r, *reloads, *clients, *least)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", r.name, err)
			fmt.Printf("| %s (%s) | %s | does not work | | | |\n", r.name, r.module, r.of)
		}
		for _, c := range counts {
			fmt.Printf("| %s (%s) | %s | %s | %d | %d | %d |\n", r.name, r.module, r.of, c.name, *reloads, c.asked.Load(), c.lost.Load())
		}
	}
	return nil
}

// tries counts what is asked of a program and lost while it is reloaded.
func (b *bench) tries(r real, reloads, clients, least int) ([]*count, error) {
	p, err := b.download(r)
	if err != nil {
		return nil, err
	}
	w, err := newWords(p.dir + ".files")
	if err != nil {
		return nil, err
	}
	for name, content := range r.prepares {
		if err := writeFile(filepath.Join(w.dir, name), w.in(content)); err != nil {
			return nil, err
		}
	}
	args := []string{r.main, "--"}
	for _, arg := range r.args {
		args = append(args, w.in(arg))
	}
	s, err := b.watch(p, nil, args...)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	kinds := r.kinds(w)
	if err := answered(kinds); err != nil {
		return nil, err
	}
	return s.reloadUnder(startLoad(kinds, clients), reloads, least)
}

// download writes a module to where it can be watched, and builds the program
// once: what that takes says nothing of a reload.
func (b *bench) download(r real) (*project, error) {
	out, err := exec.Command("go", "mod", "download", "-json", r.module).Output()
	var module struct{ Dir, Error string }
	if json.Unmarshal(out, &module); module.Error != "" || module.Dir == "" {
		return nil, fmt.Errorf("go mod download %s: %w %s", r.module, err, module.Error)
	}
	p := &project{dir: filepath.Join(b.dir, strings.ReplaceAll(r.name, " ", "-"))}
	if err := os.CopyFS(p.dir, os.DirFS(module.Dir)); err != nil {
		return nil, err
	}
	build := exec.Command("go", "build", "-pgo=off", "-o", os.DevNull, r.main)
	build.Dir = p.dir
	began := time.Now()
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	fmt.Fprintf(os.Stderr, "%s: built as it is in %v\n", r.name, time.Since(began).Round(time.Second))
	return p, nil
}

func newWords(dir string) (w words, err error) {
	w.dir = dir
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return w, err
	}
	for _, port := range []*string{&w.port, &w.other} {
		address, err := freeAddress()
		if err != nil {
			return w, err
		}
		*port = address[strings.LastIndexByte(address, ':')+1:]
	}
	return w, nil
}

func writeFile(name, content string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(content), 0o644)
}

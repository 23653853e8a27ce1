package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
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
	program  string            // the server in programs/ that uses the module, where that is a library
	adds     map[string]string // files that the module's package main embeds and the proxy's copy lacks
	env      []string          // as "NAME=VALUE"
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
	fmt.Print("| program | serves by | clients | reloads | requests | lost | longest answer |\n|---|---|---|---|---|---|---|\n")
	for _, r := range reals() {
		if *names != "" && !slices.Contains(strings.Split(*names, ","), r.name) {
			continue
		}
		counts, err := b.tries(r, *reloads, *clients, *least)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", r.name, err)
			fmt.Printf("| %s (%s) | %s | does not work | | | | |\n", r.name, r.module, r.of)
		}
		for _, c := range counts {
			fmt.Printf("| %s (%s) | %s | %s | %d | %d | %d | %v |\n", r.name, r.module, r.of, c.name, *reloads,
				c.asked.Load(), c.lost.Load(), time.Duration(c.longest.Load()).Round(10*time.Millisecond))
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
	var args, env []string
	for _, arg := range r.args {
		args = append(args, w.in(arg))
	}
	for _, variable := range r.env {
		env = append(env, w.in(variable))
	}
	s, err := b.watch(p, env, append([]string{cmp.Or(r.main, "."), "--"}, args...)...)
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

// download writes a program to where it can be watched, and builds it once:
// what that takes says nothing of a reload.
func (b *bench) download(r real) (*project, error) {
	p := &project{dir: filepath.Join(b.dir, strings.ReplaceAll(r.name, " ", "-"))}
	write := copyModule
	if r.program != "" {
		write = useModule
	}
	if err := write(r, p); err != nil {
		return nil, err
	}
	for name, content := range r.adds {
		if err := writeFile(filepath.Join(p.dir, name), content); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	if err := p.goCommand("build", "-pgo=off", "-o", os.DevNull, cmp.Or(r.main, ".")); err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "%s: built as it is in %v\n", r.name, time.Since(began).Round(time.Second))
	return p, nil
}

// copyModule copies the module that the program is in.
func copyModule(r real, p *project) error {
	out, err := exec.Command("go", "mod", "download", "-json", r.module).Output()
	var module struct{ Dir, Error string }
	if json.Unmarshal(out, &module); module.Error != "" || module.Dir == "" {
		return fmt.Errorf("go mod download %s: %w %s", r.module, err, module.Error)
	}
	if err := os.CopyFS(p.dir, os.DirFS(module.Dir)); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(p.dir, "go.work")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // it lists modules that the proxy's copy lacks
	}
	return nil
}

// useModule writes a module with a server that uses the module.
func useModule(r real, p *project) error {
	path, version, _ := strings.Cut(r.module, "@")
	mod := fmt.Sprintf("module example.com/bench\n\ngo 1.25.0\n\nrequire %s %s\n", path, version)
	written, err := writeProject(p.dir, "main.go", r.program, mod)
	if err != nil {
		return err
	}
	*p = *written
	return p.goCommand("mod", "tidy")
}

// goCommand runs the go command in the project.
func (p *project) goCommand(args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir = p.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", args[0], err, lastLines(out))
	}
	return nil
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

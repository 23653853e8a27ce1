//go:build e2e && linux

package e2e

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// thirdParty is a program that others have written, as its authors wrote it.
type thirdParty struct {
	name     string
	module   string            // with its version, as in the module proxy
	main     string            // package of the program in the module; empty: the root
	program  string            // program of testdata/programs that uses the module, if the module is a library
	serves   string            // by which the program serves, for the table
	args     []string          // with PORT, OTHER and DIR in the place of two ports and a folder
	env      []string          // NAME=VALUE, with the same placeholders
	files    map[string]string // to write into DIR, with the same placeholders
	embedded map[string]string // files that the package main embeds and the copy of the module proxy lacks
	loses    string            // reason why requests may be lost; empty: no request may be
	clients  func(p places) []client
}

// places are the values of the placeholders.
type places struct{ port, other, dir string }

func (p places) in(s string) string {
	return strings.NewReplacer("PORT", p.port, "OTHER", p.other, "DIR", p.dir).Replace(s)
}

// page returns clients that get a page from PORT.
func page(path string) func(p places) []client {
	return func(p places) []client { return pageClients("http://127.0.0.1:" + p.port + path) }
}

// TestThirdParty reloads third-party programs under load. It logs the rows of
// the table in docs/adopt.md.
func TestThirdParty(t *testing.T) {
	for _, program := range thirdParties() {
		t.Run(program.name, func(t *testing.T) { testThirdParty(t, program) })
	}
}

func testThirdParty(t *testing.T, program thirdParty) {
	p := program.download(t)
	places := places{portOf(freeAddress(t)), portOf(freeAddress(t)), t.TempDir()}
	for name, content := range program.files {
		(&project{dir: places.dir}).write(t, name, places.in(content))
	}
	args, env := []string{cmp.Or(program.main, "."), "--"}, []string{}
	for _, arg := range program.args {
		args = append(args, places.in(arg))
	}
	for _, variable := range program.env {
		env = append(env, places.in(variable))
	}
	s := watch(t, p, nil, env, args...)
	reloads := cmp.Or(*reloadsFlag, 10)
	for _, c := range reloadUnderLoad(t, s, program.clients(places), cmp.Or(*clientsFlag, 8), reloads, cmp.Or(*requestsFlag, 50000)) {
		t.Logf("| %s (%s) | %s | %s | %d | %d | %d | %v |", program.name, program.module, program.serves, c.name, reloads,
			c.asked.Load(), c.lost.Load(), time.Duration(c.longest.Load()).Round(10*time.Millisecond))
		if c.lost.Load() > 0 && program.loses == "" {
			t.Fail()
		}
	}
}

// download writes a program to a folder and builds it once, because the first
// build of a program takes minutes.
func (program thirdParty) download(t *testing.T) *project {
	t.Helper()
	var p *project
	if program.program == "" {
		p = program.copyModule(t)
	} else {
		path, version, _ := strings.Cut(program.module, "@")
		p = newProject(t, program.program, "require "+path+" "+version)
		p.run(t, "go", "mod", "tidy")
	}
	for name, content := range program.embedded {
		p.write(t, name, content)
	}
	p.run(t, "go", "build", "-pgo=off", "-o", os.DevNull, cmp.Or(program.main, "."))
	return p
}

// copyModule copies the module of the program out of the module cache.
func (program thirdParty) copyModule(t *testing.T) *project {
	t.Helper()
	out, err := exec.Command("go", "mod", "download", "-json", program.module).Output()
	var module struct{ Dir, Error string }
	if json.Unmarshal(out, &module); module.Dir == "" {
		t.Fatal(fmt.Errorf("go mod download %s: %w %s", program.module, err, module.Error))
	}
	p := &project{dir: filepath.Join(t.TempDir(), "module")}
	if err := os.CopyFS(p.dir, os.DirFS(module.Dir)); err != nil {
		t.Fatal(err)
	}
	// go.work lists modules that are not in the copy.
	if err := os.Remove(filepath.Join(p.dir, "go.work")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return p
}

package fastbuild_test

import (
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/builder/internal/buildtest"
	"github.com/hotstart/hotstart/builder/internal/paths"
)

// editor makes random edits of a project, most of them small ones, as people do.
type editor struct {
	*session
	rand  *rand.Rand
	files []string // sources, relative to the project
	first map[string]string
	added map[string]string // content of added files, by name
	n     int
}

func newEditor(s *session, seed uint64) *editor {
	s.t.Helper()
	s.check = true
	e := &editor{session: s, rand: rand.New(rand.NewPCG(seed, 0)), first: map[string]string{}, added: map[string]string{}}
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(s.dir, path)
		if err == nil && filepath.Ext(name) == ".go" && s.graph.Match(path) && strings.Contains(s.read(name), "\nfunc ") {
			e.files = append(e.files, name)
			e.first[name] = s.read(name)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

var (
	functions = regexp.MustCompile(`(?m)^func .*\{$`)
	literals  = regexp.MustCompile(`(?m)[ (]"[a-z]+ [^"\\\n]*"`)
	numbers   = regexp.MustCompile(`(?m)(?:= |return |, )([1-9][0-9]?)(?:$|[ ),])`)
	clause    = regexp.MustCompile(`(?m)^package .*$`)
)

// edits are the kinds of edits of one file: each returns its new content.
var edits = []func(e *editor, text string) string{
	func(e *editor, text string) string { return e.insert(text, functions, fmt.Sprintf("\n\t_ = %d", e.n)) },
	func(e *editor, text string) string {
		return e.insert(text, functions, fmt.Sprintf("\n\tprintln(%d)", e.n))
	},
	func(e *editor, text string) string {
		return e.insert(text, functions, fmt.Sprintf("\n\tvar v%d = %[1]d", e.n))
	}, // unused
	func(e *editor, text string) string {
		return e.change(text, literals, func(s string) string { return s[:len(s)-1] + fmt.Sprint(e.n%10) + `"` })
	},
	func(e *editor, text string) string {
		return e.change(text, numbers, func(s string) string { return regexp.MustCompile(`[1-9]`).ReplaceAllString(s, fmt.Sprint(1+e.n%9)) })
	},
	func(e *editor, text string) string { return e.insert(text, clause, "\n// a comment\n") },
	func(e *editor, text string) string { return text + fmt.Sprintf("\n// %d\n", e.n) },
	func(e *editor, text string) string {
		return text + fmt.Sprintf("\nfunc f%d(n int) int { return n * %[1]d }\n", e.n)
	},
	func(e *editor, text string) string {
		return text + fmt.Sprintf("\nfunc F%d[T any](x T) (T, int) { return x, %[1]d }\n", e.n)
	},
	func(e *editor, text string) string { return text + fmt.Sprintf("\nconst C%d = %[1]d\n", e.n) },
	func(e *editor, text string) string {
		return text + fmt.Sprintf("\ntype T%d struct{ F%[1]d int }\n\nfunc (t T%[1]d) M() int { return t.F%[1]d }\n", e.n)
	},
	func(e *editor, text string) string { return text + fmt.Sprintf("\nfunc init() { println(%d) }\n", e.n) },
	func(e *editor, text string) string { return text + "\nfunc {\n" },
	func(e *editor, text string) string { return text + fmt.Sprintf("\nvar V%d int = \"x\"\n", e.n) },
	func(e *editor, text string) string {
		return e.insert(text, clause, fmt.Sprintf("\n\nimport _%d \"sort\"\n\nvar _ = _%[1]d.Ints\n", e.n))
	},
	func(e *editor, text string) string {
		return e.insert(text, clause, "\n\nimport _ \"container/ring\"\n")
	},
	func(e *editor, text string) string {
		return e.insert(text, clause, "\n\nimport _ \"example.com/none\"\n")
	},
	func(e *editor, text string) string { return "//go:build linux\n\n" + text },
	func(e *editor, text string) string { return "//go:build windows\n\n" + text },
	func(e *editor, text string) string {
		return e.insert(text, clause, fmt.Sprintf("\n\nimport _ \"embed\"\n\n//go:embed *.txt\nvar e%d string\n", e.n))
	},
}

// usual is how many of the edits are common ones: those come first.
const usual = 12

// insert inserts text after one of the places that a pattern matches.
func (e *editor) insert(text string, place *regexp.Regexp, more string) string {
	at := place.FindAllStringIndex(text, -1)
	if len(at) == 0 {
		return text
	}
	end := at[e.rand.IntN(len(at))][1]
	return text[:end] + more + text[end:]
}

func (e *editor) change(text string, place *regexp.Regexp, to func(string) string) string {
	at := place.FindAllStringIndex(text, -1)
	if len(at) == 0 {
		return text
	}
	one := at[e.rand.IntN(len(at))]
	return text[:one[0]] + to(text[one[0]:one[1]]) + text[one[1]:]
}

// step makes one edit, and often reverts it if it breaks the program.
func (e *editor) step() {
	e.t.Helper()
	e.n++
	name := e.files[e.rand.IntN(len(e.files))]
	kind := e.rand.IntN(usual)
	if e.rand.IntN(3) == 0 {
		kind = e.rand.IntN(len(edits))
	}
	before := e.read(name)
	broken := e.broken
	switch e.rand.IntN(12) {
	case 0:
		e.log("%s reset", name)
		e.edit(map[string]string{name: e.first[name]})
	case 1:
		other := e.files[e.rand.IntN(len(e.files))]
		e.log("two files: %s, %s", name, other)
		e.edit(map[string]string{name: edits[0](e, before), other: edits[7](e, e.read(other))})
	case 2:
		e.addOrRemove(filepath.Dir(name), clause.FindString(before))
	case 3, 4:
		e.enterOrLeave()
	default:
		e.log("edit %d of %s", kind, name)
		e.edit(map[string]string{name: edits[kind](e, before)})
	}
	if e.broken > broken && e.rand.IntN(3) > 0 {
		e.log("revert")
		e.edit(map[string]string{name: before})
		if e.broken > broken+1 {
			e.repair()
		}
	}
}

func (e *editor) log(format string, args ...any) {
	e.t.Logf("%d: "+format, append([]any{e.n}, args...)...)
}

// addOrRemove adds a file to a package, or removes the added file.
func (e *editor) addOrRemove(dir, clause string) {
	e.t.Helper()
	name := filepath.Join(dir, "zz_added.go")
	if e.added[name] != "" {
		e.log("remove %s", name)
		e.added[name] = ""
	} else {
		e.log("add %s", name)
		e.added[name] = fmt.Sprintf("%s\n\nvar Added = %d\n", clause, e.n)
	}
	e.edit(map[string]string{name: e.added[name]})
}

// optional has files that can enter the build without an edit of the other sources.
const optional = "-- middle/pages.go --\npackage middle\n\nimport \"embed\"\n\n//go:embed all:pages pages/[x-z]*\nvar Pages embed.FS\n" +
	"-- middle/pages/x.txt --\nfirst\n-- low/other.go --\n//go:build never\n\npackage low\n"

// enterOrLeave adds a file to the build, removes a file from it, or edits one: an embedded file,
// or one with a build constraint.
func (e *editor) enterOrLeave() {
	e.t.Helper()
	name := []string{"low/other.go", "middle/pages/.a", "middle/pages/b", "middle/pages/deep/c", "middle/pages/x~y"}[e.rand.IntN(5)]
	content := fmt.Sprintf("package low\n\nfunc init() { println(%d) }\n", e.n)
	switch here := paths.Exists(e.path(name)); {
	case !paths.Exists(e.path("low/other.go")):
		return // the program has no such files
	case name == "low/other.go" && e.rand.IntN(2) == 0:
		content = "//go:build never\n\n" + content
	case name != "low/other.go" && here && e.rand.IntN(3) == 0:
		content = ""
	}
	e.log("%s is %q", name, content)
	e.edit(map[string]string{name: content})
}

// repair resets all files.
func (e *editor) repair() {
	e.t.Helper()
	e.log("reset of all files")
	files := maps.Clone(e.first)
	for name, content := range e.added {
		if content != "" {
			files[name], e.added[name] = "", ""
		}
	}
	e.edit(files)
}

// run makes a number of edits.
func (e *editor) run(steps int) {
	e.t.Helper()
	for range steps {
		e.step()
	}
	e.t.Logf("%d builds compared: %d without the go command, %d broken", e.builds, e.fast, e.broken)
	if e.fast < steps/4 {
		e.t.Errorf("only %d of %d builds were made without the go command", e.fast, e.builds)
	}
}

func TestRandomEdits(t *testing.T) {
	t.Parallel()
	newEditor(newSession(t, buildtest.Project(t, layered+optional), builder.Options{}), 1).run(long(5, 40))
}

// long returns the number of edits; with HOTSTART_LONG, HOTSTART_EDITS sets it.
func long(usually, long int) int {
	if os.Getenv("HOTSTART_LONG") == "" {
		return usually
	}
	if n, err := strconv.Atoi(os.Getenv("HOTSTART_EDITS")); err == nil {
		return n
	}
	return long
}

// server is a program that can be instrumented.
const server = buildtest.Module + `
-- main.go --
package main

import (
	"fmt"
	"net/http"

	"example.com/m/text"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, text.Of(7)) })
	panic(http.ListenAndServe("localhost:0", nil))
}
-- text/text.go --
package text

import "strings"

func Of(n int) string { return strings.Repeat("some text", n) }

func More() string {
	return "not used" + Of(2)
}
`

func TestRandomEditsOfAnAdoptedProgram(t *testing.T) {
	t.Parallel()
	buildtest.Long(t)
	newEditor(newSession(t, buildtest.Project(t, server), builder.Options{Adopt: true}), 2).run(long(0, 20))
}

// Edits of hotstart itself. HOTSTART_EDITS sets the number of edits, and another seed.
func TestRandomEditsOfARealProgram(t *testing.T) {
	t.Parallel()
	buildtest.Long(t)
	steps, seed := long(0, 12), uint64(3)
	if os.Getenv("HOTSTART_EDITS") != "" {
		seed = rand.Uint64()
		t.Logf("seed %d", seed)
	}
	newEditor(newSession(t, ourselves(t), builder.Options{Packages: []string{"./cmd/hotstart"}}), seed).run(steps)
}

// ourselves copies hotstart, except hidden files: git adds and removes files at any time.
func ourselves(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "hotstart")
	for _, from := range buildtest.List(t, "../../..") {
		to := filepath.Join(dir, filepath.Base(from))
		switch {
		case strings.HasPrefix(filepath.Base(from), "."):
		case paths.IsDir(from):
			if err := os.CopyFS(to, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
		default:
			content, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			buildtest.Write(t, to, string(content))
		}
	}
	return dir
}

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// caddy is the large program's version of github.com/caddyserver/caddy/v2.
const caddy = "v2.11.9"

// subject is a program that tools rebuild.
type subject struct {
	name  string
	about string
	make  func(dir string) (*project, error) // writes it into a folder
}

func subjects() []subject {
	return []subject{
		{"small", "a server of net/http in one file", makeSmall},
		{"thirty", "a server of 30 packages of its own", makeThirty},
		{"large", "a server with Caddy " + caddy + " linked in, about 1,000 packages", makeLarge},
		{"tree", "the small server amid 20,000 folders with 200,000 files", makeTree},
	}
}

func chosenSubjects(list string) ([]subject, error) {
	if list == "" {
		return subjects(), nil
	}
	var some []subject
	for name := range strings.SplitSeq(list, ",") {
		n := len(some)
		for _, s := range subjects() {
			if s.name == name {
				some = append(some, s)
			}
		}
		if len(some) == n {
			return nil, fmt.Errorf("there is no program %q", name)
		}
	}
	return some, nil
}

func makeSmall(dir string) (*project, error) {
	return writeProject(dir, "main.go", "pid", "module example.com/bench\n\ngo 1.24\n")
}

// writeProject makes a module with one of the programs in it. What is edited
// is the file.
func writeProject(dir, file, program, mod string) (*project, error) {
	source, err := fs.ReadFile(programs, "programs/"+program+".go.txt")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755); err != nil {
		return nil, err
	}
	p := &project{dir: dir, edited: file, source: string(source)}
	if err := p.file("go.mod", mod); err != nil {
		return nil, err
	}
	return p, p.write("first")
}

// makeThirty has main import a chain of packages, each of which imports some
// of those after it. What is edited is in the middle: the package that
// answers.
func makeThirty(dir string) (*project, error) {
	p, err := writeProject(dir, "main.go", "pid", "module example.com/bench\n\ngo 1.24\n")
	if err != nil {
		return nil, err
	}
	const packages, middle = 29, 15 // and main
	for i := range packages {
		if err := p.mkfile(fmt.Sprintf("p%02d/p.go", i), layer(i, packages)); err != nil {
			return nil, err
		}
	}
	p.edited = fmt.Sprintf("p%02d/answer.go", middle)
	p.source = strings.NewReplacer("package main", fmt.Sprintf("package p%02d", middle),
		"func main()", "// Serve answers at an address.\nfunc Serve()").Replace(p.source)
	main := fmt.Sprintf("package main\n\nimport (\n\t\"example.com/bench/p00\"\n\t\"example.com/bench/p%02d\"\n)\n\n"+
		"func main() {\n\tprintln(p00.Sum(1))\n\tp%02d.Serve()\n}\n", middle, middle)
	if err := p.file("main.go", main); err != nil {
		return nil, err
	}
	return p, p.write("first")
}

// layer is a package that uses the three after it, and does a bit of each
// thing that code does.
func layer(i, packages int) string {
	var imports, calls strings.Builder
	for next := i + 1; next <= i+3 && next < packages; next++ {
		fmt.Fprintf(&imports, "\t\"example.com/bench/p%02d\"\n", next)
		fmt.Fprintf(&calls, "\tsum += p%02d.Sum(n - 1)\n", next)
	}
	var types strings.Builder
	for t := range 20 {
		fmt.Fprintf(&types, "\n// T%d is one of many.\ntype T%d struct{ Name string; Values map[string]int }\n\n"+
			"func (t *T%d) String() string { return fmt.Sprintf(\"%%s has %%d\", t.Name, len(t.Values)) }\n", t, t, t)
	}
	return fmt.Sprintf("// Package p%02d is a layer of the program.\npackage p%02d\n\nimport (\n\t\"fmt\"\n%s)\n%s\n"+
		"// Sum asks the layers below.\nfunc Sum(n int) int {\n\tif n < 0 {\n\t\treturn 0\n\t}\n\tsum := n\n%s\treturn sum\n}\n",
		i, i, imports.String(), types.String(), calls.String())
}

// makeLarge needs the module proxy, the first time.
func makeLarge(dir string) (*project, error) {
	p, err := writeProject(dir, "main.go", "large", "module example.com/bench\n\ngo 1.25\n\nrequire github.com/caddyserver/caddy/v2 "+caddy+"\n")
	if err != nil {
		return nil, err
	}
	return p, p.goCommand("mod", "tidy")
}

// makeTree buries the small program in folders of a kind that every tool
// takes for the project's own.
func makeTree(dir string) (*project, error) {
	p, err := makeSmall(dir)
	if err != nil {
		return nil, err
	}
	const files = 10
	for i := range 200 {
		for j := range 99 { // and the one above: 20,000 in all
			for k := range files {
				if err := p.mkfile(fmt.Sprintf("web/part%d/page%d/f%d.js", i, j, k), "export {}\n"); err != nil {
					return nil, err
				}
			}
		}
		for k := range files {
			if err := p.file(fmt.Sprintf("web/part%d/f%d.js", i, k), "export {}\n"); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// mkfile writes a file, and its folder first if need be.
func (p *project) mkfile(name, content string) error {
	err := p.file(name, content)
	if err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Join(p.dir, name)), 0o755); err != nil {
		return err
	}
	return p.file(name, content)
}

package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// caddyVersion is the version of Caddy in the large program.
const caddyVersion = "v2.11.9"

// program is a program that tools run.
type program struct {
	name    string
	about   string
	make    func(dir string) (*project, error) // writes the program to a folder
	tools   []tool
	trigger trigger // what makes a tool start the program again
}

func programs() []program {
	return []program{
		{"small", "a server of net/http in one file", makeSmall, rebuilders(), save},
		{"thirty", "a server of 30 packages of its own", makeThirty, rebuilders(), save},
		{"leaf", "a server of 300 packages of its own, 50 of which import the edited one", makeLeaf, fromSource(), save},
		{"exports", "the same, and the edit changes what the package exports", makeExports, fromSource(), save},
		{"large", "a server with Caddy " + caddyVersion + " linked in, about 1,000 packages", makeLarge, rebuilders(), save},
		{"tree", "the small server amid 20,000 folders with 200,000 files", makeTree, rebuilders(), save},
		{"sighup", "a server with starter/worker under a superdaemon, until the new worker is the current one", makeWorker, superdaemons(), hangUp},
	}
}

// order returns the position of a tool in the tables of the programs.
func order(programName, toolName string) int {
	i := slices.IndexFunc(programs(), func(p program) bool { return p.name == programName })
	return 100*i + slices.IndexFunc(programs()[max(i, 0)].tools, func(t tool) bool { return t.name == toolName })
}

func makeSmall(dir string) (*project, error) { return newProject(dir, "small", "") }

func makeWorker(dir string) (*project, error) {
	return newProject(dir, "worker", "require github.com/hotstart/hotstart v0.0.0\n\nreplace github.com/hotstart/hotstart => "+checkout())
}

// makeLarge needs the module proxy if Caddy is not in the module cache.
func makeLarge(dir string) (*project, error) {
	p, err := newProject(dir, "large", "require github.com/caddyserver/caddy/v2 "+caddyVersion)
	if err != nil {
		return nil, err
	}
	return p, p.goCommand("mod", "tidy")
}

// makeThirty writes a chain of packages, each of which imports some later ones.
// The edited package, which answers requests, is in the middle.
func makeThirty(dir string) (*project, error) {
	p, err := newProject(dir, "small", "")
	if err != nil {
		return nil, err
	}
	if err := p.writeLayers(29); err != nil {
		return nil, err
	}
	return p, p.serveFrom("p15")
}

// makeLeaf is makeThirty with more packages; many of them import the edited one, which imports none.
func makeLeaf(dir string) (*project, error) {
	p, err := newProject(dir, "small", "")
	if err != nil {
		return nil, err
	}
	const packages, every = 298, 6
	if err := p.writeLayers(packages); err != nil {
		return nil, err
	}
	for i := 0; i < packages; i += every {
		source := fmt.Sprintf("package p%02d\n\nimport \"example.com/bench/leaf\"\n\n// Length is that of the answer.\nfunc Length() int { return leaf.Length() }\n", i)
		if err := p.write(fmt.Sprintf("p%02d/leaf.go", i), source); err != nil {
			return nil, err
		}
	}
	if err := p.write("leaf/length.go", "package leaf\n\n// Length is that of the answer.\nfunc Length() int { return 7 }\n"); err != nil {
		return nil, err
	}
	return p, p.serveFrom("leaf")
}

// makeExports is makeLeaf with the answer in an exported constant.
func makeExports(dir string) (*project, error) {
	p, err := makeLeaf(dir)
	if err != nil {
		return nil, err
	}
	p.source += "\n// Answer is the answer to requests.\nconst Answer = \"TEXT\"\n"
	return p, p.setText("first")
}

// writeLayers writes a number of packages, each of which imports some later ones.
func (p *project) writeLayers(packages int) error {
	for i := range packages {
		if err := p.write(fmt.Sprintf("p%02d/p.go", i), layer(i, packages)); err != nil {
			return err
		}
	}
	return nil
}

// serveFrom moves the source that is edited from package main to another one.
func (p *project) serveFrom(name string) error {
	p.edited = name + "/answer.go"
	p.source = strings.NewReplacer("package main", "package "+name, "func main()", "// Serve answers requests.\nfunc Serve()").Replace(p.source)
	main := fmt.Sprintf("package main\n\nimport (\n\t\"example.com/bench/p00\"\n\t\"example.com/bench/%[1]s\"\n)\n\n"+
		"func main() {\n\tprintln(p00.Sum(1))\n\t%[1]s.Serve()\n}\n", name)
	if err := p.write("main.go", main); err != nil {
		return err
	}
	return p.setText("first")
}

// layer is the source of a package that imports the next three, with types
// and methods for the compiler.
func layer(i, packages int) string {
	var imports, calls, types strings.Builder
	for next := i + 1; next <= i+3 && next < packages; next++ {
		fmt.Fprintf(&imports, "\t\"example.com/bench/p%02d\"\n", next)
		fmt.Fprintf(&calls, "\tsum += p%02d.Sum(n - 1)\n", next)
	}
	for t := range 20 {
		fmt.Fprintf(&types, "\n// T%d is one of many.\ntype T%d struct{ Name string; Values map[string]int }\n\n"+
			"func (t *T%d) String() string { return fmt.Sprintf(\"%%s has %%d\", t.Name, len(t.Values)) }\n", t, t, t)
	}
	return fmt.Sprintf("// Package p%02d is a layer of the program.\npackage p%02d\n\nimport (\n\t\"fmt\"\n%s)\n%s\n"+
		"// Sum asks the layers below.\nfunc Sum(n int) int {\n\tif n < 0 {\n\t\treturn 0\n\t}\n\tsum := n\n%s\treturn sum\n}\n",
		i, i, imports.String(), types.String(), calls.String())
}

// makeTree puts the small program among folders that each tool takes for a
// part of the project.
func makeTree(dir string) (*project, error) {
	p, err := makeSmall(dir)
	if err != nil {
		return nil, err
	}
	for part := range 200 {
		for page := range 100 { // page 0 is the folder above the others: 20,000 folders
			folder := fmt.Sprintf("web/part%d", part)
			if page > 0 {
				folder = filepath.Join(folder, fmt.Sprint("page", page))
			}
			for file := range 10 {
				if err := p.write(fmt.Sprintf("%s/f%d.js", folder, file), "export {}\n"); err != nil {
					return nil, err
				}
			}
		}
	}
	return p, nil
}

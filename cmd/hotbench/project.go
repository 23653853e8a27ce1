package main

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed testdata/programs
var sources embed.FS

// project is a module with a program, in a folder.
type project struct {
	dir    string
	edited string // file whose source has TEXT in the place of the answer
	source string // of that file
}

// newProject writes a program of testdata/programs. A requirement is a part of
// go.mod.
func newProject(dir, name, requirement string) (*project, error) {
	source, err := sources.ReadFile("testdata/programs/" + name + ".go")
	if err != nil {
		return nil, err
	}
	p := &project{dir: dir, edited: "main.go", source: string(source)}
	if err := p.write("go.mod", "module example.com/bench\n\ngo 1.25.0\n\n"+requirement+"\n"); err != nil {
		return nil, err
	}
	return p, p.setText("first")
}

func (p *project) setText(text string) error {
	return p.write(p.edited, strings.ReplaceAll(p.source, "TEXT", text))
}

// write writes a file in place; it makes the folder of the file if necessary.
func (p *project) write(name, content string) error {
	path := filepath.Join(p.dir, name)
	err := os.WriteFile(path, []byte(content), 0o644)
	if err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o644)
}

// binary is the path of the program that build builds, outside of the folder
// that tools watch.
func (p *project) binary() string { return p.dir + ".binary" }

func (p *project) build() (text string, err error) {
	text = newText()
	if err := p.setText(text); err != nil {
		return "", err
	}
	return text, p.goCommand("build", "-o", p.binary(), ".")
}

func (p *project) goCommand(args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir = p.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w: %s", args[0], err, lastLines(string(out)))
	}
	return nil
}

// lastLines returns the last two lines of a text as one.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-2):], " ")
}

package graph

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hotstart/hotstart/builder/internal/gotool"
	"github.com/hotstart/hotstart/builder/internal/paths"
)

// Lister lists the files that the builds of one project read.
type Lister struct {
	project *gotool.Project

	mu       sync.Mutex
	latest   *Graph                       // nil before the first list
	lastGood *Graph                       // last complete graph; nil before the first one
	modFiles []string                     // each go.mod and go.work that took effect once: it may return
	includes map[string][sha256.Size]byte // content of included files at the first list; nil before it
}

// NewLister returns a Lister for a project.
func NewLister(p *gotool.Project) *Lister { return &Lister{project: p} }

// List returns the files that a build reads now, see Builder.List.
func (l *Lister) List(ctx context.Context) (*Graph, error) {
	start := time.Now()
	env, err := l.project.Environment(ctx) // a go.work may have appeared since the last list
	if err != nil {
		err = l.wrap(err)
		if ctx.Err() == nil && !paths.IsDir(l.project.Dir) { // the directory may come back
			return l.graph(l.project.Env, nil, err, start), nil
		}
		return nil, err
	}
	packages, stderr, decoding, err := l.goList(ctx)
	if dirVanished(packages) { // it was renamed and restored during the list
		packages, stderr, decoding, err = l.goList(ctx)
	}
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		return nil, l.wrap(err)
	}
	cause := cmp.Or(gotool.OutputError(err, stderr), decoding, firstError(packages))
	if cause != nil {
		cause = l.wrap(cause)
	}
	return l.graph(env, packages, cause, start), nil
}

// Latest returns the graph of the latest list, or nil before the first one.
func (l *Lister) Latest() *Graph {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest
}

func (l *Lister) wrap(err error) error {
	return fmt.Errorf("listing the files of %s: %w", strings.Join(l.project.Packages, " "), err)
}

// listedPackage is a package as `go list` describes it.
type listedPackage struct {
	importPath, dir   string
	standard, depOnly bool
	files             []string // of all kinds, also embedded ones
	embeds            []string // patterns
	cflags            []string // flags of the C preprocessor and the C compilers
	err               error
}

// listFormat is a format for `go list -f` that quotes all names: the format JSON would change
// names that are not valid UTF-8.
var listFormat = func() string {
	format := `package {{printf "%t %t %q %q" .Standard .DepOnly .ImportPath .Dir}}`
	for _, field := range []string{"GoFiles", "CgoFiles", "InvalidGoFiles", "CFiles", "CXXFiles", "MFiles", "HFiles", "FFiles",
		"SFiles", "SwigFiles", "SwigCXXFiles", "SysoFiles", "EmbedFiles"} {
		format += `{{range .` + field + `}}{{printf "\nfile %q" .}}{{end}}`
	}
	for _, field := range []string{"CgoCPPFLAGS", "CgoCFLAGS", "CgoCXXFLAGS"} {
		format += `{{range .` + field + `}}{{printf "\ncflag %q" .}}{{end}}`
	}
	return format + `{{range .EmbedPatterns}}{{printf "\nembed %q" .}}{{end}}{{with .Error}}{{printf "\nerror %q %q" .Pos .Err}}{{end}}`
}()

// goList runs `go list` once.
func (l *Lister) goList(ctx context.Context) (packages []*listedPackage, stderr string, decoding, err error) {
	stdout, stderr, err := l.project.Run(ctx, l.project.ListArgs("-deps", "-f", listFormat)...)
	packages, decoding = decode(stdout)
	return packages, stderr, decoding, err
}

// dirVanished reports whether the directory of the program does not exist any more.
func dirVanished(packages []*listedPackage) bool {
	return slices.ContainsFunc(packages, func(p *listedPackage) bool { return !p.depOnly && p.dir != "" && !paths.IsDir(p.dir) })
}

// decode reads the output of `go list -f` with listFormat.
func decode(stdout string) (packages []*listedPackage, err error) {
	var p *listedPackage
	for line := range strings.Lines(stdout) {
		verb, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if verb == "package" {
			p = new(listedPackage)
			packages = append(packages, p)
			if n, err := fmt.Sscanf(rest, "%t %t %q %q", &p.standard, &p.depOnly, &p.importPath, &p.dir); n < 4 {
				return packages, fmt.Errorf("reading the output of go list: %q: %w", line, err)
			}
			continue
		}
		var name, message string
		n, err := fmt.Sscanf(rest, "%q %q", &name, &message)
		switch {
		case p != nil && verb == "file" && n == 1:
			p.files = append(p.files, name)
		case p != nil && verb == "embed" && n == 1:
			p.embeds = append(p.embeds, name)
		case p != nil && verb == "cflag" && n == 1:
			p.cflags = append(p.cflags, name)
		case p != nil && verb == "error" && n == 2 && name != "":
			p.err = fmt.Errorf("%s: %s", name, message)
		case p != nil && verb == "error" && n == 2:
			p.err = errors.New(message)
		default:
			return packages, fmt.Errorf("reading the output of go list: %q: %w", line, err)
		}
	}
	return packages, nil
}

func firstError(packages []*listedPackage) error {
	for _, p := range packages {
		if p.err != nil {
			return p.err
		}
	}
	return nil
}

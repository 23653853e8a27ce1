package delta

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

// BenchmarkHistory replays commits of this repository file by file, as the edits of working days, and
// reports which share of those that change a program is linked by a delta. HOTSTART_EDITS is the number
// of commits, and HOTSTART_PROGRAMS the package.
func BenchmarkHistory(b *testing.B) {
	l := newLab(b)
	commits, pkg := 20, "./cmd/hotstart"
	if n, err := strconv.Atoi(os.Getenv("HOTSTART_EDITS")); err == nil {
		commits = n
	}
	if s := os.Getenv("HOTSTART_PROGRAMS"); s != "" {
		pkg = s
	}
	dir := b.TempDir()
	tree := filepath.Join(dir, "tree")
	git := func(args ...string) string {
		b.Helper()
		out, err := exec.Command("git", args...).CombinedOutput()
		if err != nil {
			b.Fatalf("git %q: %v: %s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("worktree", "add", "--detach", tree, "HEAD~"+strconv.Itoa(commits))
	defer git("worktree", "remove", "--force", tree)
	for b.Loop() {
		h := &history{B: b, lab: l, dir: dir, tree: tree, pkg: pkg, hot: []string{"main"}}
		h.build()
		for _, commit := range strings.Fields(git("rev-list", "--reverse", "--first-parent", "HEAD~"+strconv.Itoa(commits)+"..HEAD")) {
			for _, name := range strings.Split(git("-C", tree, "diff-tree", "-r", "--no-commit-id", "--name-only", "--no-renames", commit), "\n") {
				if strings.HasSuffix(name, "_test.go") {
					continue
				}
				if exec.Command("git", "-C", tree, "checkout", commit, "--", name).Run() != nil {
					_ = os.Remove(filepath.Join(tree, name))
				}
				if filepath.Ext(name) == ".go" || strings.Contains(name, "/_") {
					h.save(name)
				}
			}
		}
		h.report()
	}
}

// servers are programs of others, of which the module proxy has many versions. No version of a server changes
// go.mod so that it needs another Go release.
var servers = []struct{ module, pkg, versions string }{
	{"github.com/nats-io/nats-server/v2", ".", "v2.14.0 v2.14.1 v2.14.2 v2.14.3 v2.14.4 v2.14.5 v2.14.6 v2.14.7 v2.14.8 v2.14.9 v2.14.10"},
	{"github.com/caddyserver/caddy/v2", "./cmd/caddy", "v2.11.3 v2.11.4 v2.11.5 v2.11.6 v2.11.7 v2.11.8 v2.11.9"},
	{"github.com/coredns/coredns", ".", "v1.14.3 v1.14.4 v1.14.5 v1.14.6 v1.14.7 v1.15.0"},
}

// BenchmarkVersions is BenchmarkHistory for other servers: the differences of their versions are the edits.
func BenchmarkVersions(b *testing.B) {
	for _, s := range servers {
		b.Run(filepath.Base(filepath.Dir(s.module)), func(b *testing.B) {
			l := newLab(b)
			for b.Loop() {
				h := &history{B: b, lab: l, dir: b.TempDir(), pkg: s.pkg, hot: []string{"main"}}
				h.tree = filepath.Join(h.dir, "tree")
				for _, version := range strings.Fields(s.versions) {
					h.update(l.download(b, s.module+"@"+version))
				}
				h.report()
			}
		})
	}
}

// update makes the tree that of another version, file by file.
func (h *history) update(version string) {
	h.Helper()
	if h.last == nil {
		copyWritable(h, version, h.tree)
		if h.build() == nil {
			h.Fatal("the program does not compile")
		}
		return
	}
	var changed []string
	for name := range files(h, h.tree, version) {
		was, _ := os.ReadFile(filepath.Join(h.tree, name))
		is, err := os.ReadFile(filepath.Join(version, name))
		if err == nil && bytes.Equal(was, is) || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if filepath.Ext(name) == ".go" {
			changed = append(changed, name)
		} else {
			h.copy(version, name) // the dependencies, for example
		}
	}
	if archives := h.build(); archives != nil {
		h.last = archives
		h.drop()
	}
	slices.Sort(changed)
	for _, name := range changed {
		h.copy(version, name)
		h.save(name)
	}
}

// copy makes a file of the tree that of another version, which may not have it.
func (h *history) copy(version, name string) {
	content, err := os.ReadFile(filepath.Join(version, name))
	if err != nil {
		_ = os.Remove(filepath.Join(h.tree, name))
		return
	}
	buildtest.Write(h, filepath.Join(h.tree, name), string(content))
}

// files returns the names of all files in some directories.
func files(b testing.TB, dirs ...string) map[string]bool {
	b.Helper()
	names := map[string]bool{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				name, _ := filepath.Rel(dir, path)
				names[name] = true
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return names
}

// report reports the share of the edits that were linked by a delta.
func (h *history) report() {
	h.Logf("%s", &h.count)
	if n := h.count.results["delta"] + h.count.results["fallback"] + h.count.results["first edit of a package"]; n > 0 {
		h.ReportMetric(100*float64(h.count.results["delta"])/float64(n), "%delta")
	}
}

// history is a program that is edited as it once was.
type history struct {
	*testing.B
	*lab
	dir, tree, pkg string
	count          tally
	hot            []string
	never          []string          // packages that can't be hot
	base           *base             // nil if there is none
	last           map[string]string // archives of the last save
}

// build returns the archives of the program, or nil if it does not compile.
func (h *history) build() map[string]string {
	archives, err := h.program(h.Context(), h.tree, h.pkg)
	if err != nil {
		return nil
	}
	keepSame(h.last, archives)
	if h.last == nil {
		h.last = archives
	}
	return archives
}

// save links the program after an edit of a file.
func (h *history) save(name string) {
	archives := h.build()
	if archives == nil {
		h.count.add("broken")
		return
	}
	var changed []string
	for path, file := range archives {
		if h.last[path] != file {
			changed = append(changed, path)
		}
	}
	h.last = archives
	if len(changed) == 0 {
		h.count.add("no other program")
		return
	}
	first := ""
	for _, path := range changed {
		if !slices.Contains(h.hot, path) && !slices.Contains(h.never, path) {
			first = path
			h.hot = append(h.hot, path)
		}
	}
	if first != "" {
		h.count.add("first edit of a package")
		h.drop()
	}
	if h.base == nil {
		h.newBase(archives)
		return
	}
	got := filepath.Join(h.dir, "got")
	switch err := h.base.link(h.Context(), archives, "a/b/c/d", got); {
	case errors.Is(err, errGaveUp):
		h.count.fallback(err)
		h.Logf("%s: %s", name, shorten(err.Error()))
		h.drop()
		return
	case err != nil:
		h.count.add("error")
		h.Errorf("%s: %v", name, err)
		h.drop()
		return
	}
	h.count.add("delta")
	if err := h.base.verify(h.Context(), archives, got); err != nil {
		h.Errorf("%s: %v", name, err)
		h.count.add("not verified")
	}
}

// newBase links a base of the packages that can be hot.
func (h *history) newBase(archives map[string]string) {
	for h.base == nil {
		base, err := h.linkBase(h.Context(), archives, h.hot, filepath.Join(h.dir, "base"))
		switch never := (*neverHot)(nil); {
		case errors.As(err, &never):
			h.never = append(h.never, never.path)
			h.hot = slices.DeleteFunc(h.hot, func(path string) bool { return path == never.path })
		case err != nil:
			h.Fatal(err)
		default:
			h.base = base
		}
	}
}

func (h *history) drop() {
	if h.base != nil {
		h.base.remove()
		h.base = nil
	}
}

package delta

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
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
		b.Logf("%s", &h.count)
		if n := h.count.results["delta"] + h.count.results["fallback"] + h.count.results["first edit of a package"]; n > 0 {
			b.ReportMetric(100*float64(h.count.results["delta"])/float64(n), "%delta")
		}
	}
}

// history is a program that is edited as it once was.
type history struct {
	*testing.B
	*lab
	dir, tree, pkg string
	count          tally
	hot            []string
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
		if !slices.Contains(h.hot, path) {
			first = path
			h.hot = append(h.hot, path)
		}
	}
	if first != "" {
		h.count.add("first edit of a package")
		h.drop()
	}
	if h.base == nil {
		var err error
		if h.base, err = h.linkBase(h.Context(), archives, h.hot, filepath.Join(h.dir, "base")); err != nil {
			h.Fatal(err)
		}
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

func (h *history) drop() {
	if h.base != nil {
		h.base.remove()
		h.base = nil
	}
}

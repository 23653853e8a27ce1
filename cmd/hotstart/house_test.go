package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/hotstart/hotstart/"

// house lists every package and what it may import of ours.
var house = map[string][]string{
	"cmd/hotstart":                   {"builder", "starter", "templates", "watcher", "cmd/hotstart/internal/air", "cmd/hotstart/internal/browser", "cmd/hotstart/internal/cli", "cmd/hotstart/internal/control", "cmd/hotstart/internal/control/supervisor", "cmd/hotstart/internal/report", "cmd/hotstart/internal/rules", "cmd/hotstart/internal/session", "cmd/hotstart/internal/settings", "cmd/hotstart/internal/term", "starter/daemon", "cmd/hotstart/internal/metrics"},
	"cmd/hotstart/internal/metrics":  {"starter", "cmd/hotstart/internal/control", "cmd/hotstart/internal/control/roster"},
	"cmd/hotstart/internal/rules":    {"cmd/hotstart/internal/settings"},
	"cmd/hotstart/internal/session":  {"builder", "starter", "templates", "watcher", "cmd/hotstart/internal/browser", "cmd/hotstart/internal/cli", "cmd/hotstart/internal/control", "cmd/hotstart/internal/control/handover", "cmd/hotstart/internal/control/roster", "cmd/hotstart/internal/report", "cmd/hotstart/internal/rules", "cmd/hotstart/internal/session/change", "cmd/hotstart/internal/session/machine", "cmd/hotstart/internal/term", "cmd/hotstart/internal/metrics"},
	"cmd/hotstart/internal/settings": {"cmd/hotstart/internal/term"},
	"cmd/hotstart/internal/air":      {"cmd/hotstart/internal/settings"},
	"cmd/hotstart/internal/browser":  {},
	"cmd/hotstart/internal/report":   {"builder", "starter", "cmd/hotstart/internal/browser", "cmd/hotstart/internal/cli", "cmd/hotstart/internal/control", "cmd/hotstart/internal/term"},
	"cmd/hotstart/internal/term":     {},
	"cmd/hotstart/internal/control":  {},
	"cmd/hotstart/internal/cli":      {"builder", "starter", "cmd/hotstart/internal/settings"},
	"starter":                        {"starter/internal/contend", "starter/internal/machine", "starter/internal/proc", "starter/internal/ready", "starter/internal/sock", "starter/internal/unixpath", "starter/internal/wire", "starter/worker"},
	"starter/worker":                 {"starter/internal/wire"},
	"starter/internal/wire":          {},
	"starter/daemon":                 {"starter", "starter/internal/proc", "starter/internal/safefile"},
	"starter/internal/contend":       {"starter/internal/proc"},
	"starter/internal/machine":       {},
	"starter/internal/proc":          {},
	"starter/internal/ready":         {"starter/internal/proc"},
	"starter/internal/safefile":      {},
	"starter/internal/sock":          {"starter/internal/proc", "starter/internal/unixpath", "starter/internal/wire"},
	"starter/internal/unixpath":      {},
	"cmd/hotbench":                   {},
	"templates":                      {},
	"watcher":                        {},

	"cmd/hotstart/internal/control/roster":     {"starter", "cmd/hotstart/internal/control"},
	"cmd/hotstart/internal/control/handover":   {"starter", "cmd/hotstart/internal/control"},
	"cmd/hotstart/internal/control/logfile":    {"cmd/hotstart/internal/control"},
	"cmd/hotstart/internal/control/supervisor": {"starter", "cmd/hotstart/internal/control", "cmd/hotstart/internal/control/handover", "cmd/hotstart/internal/control/logfile", "cmd/hotstart/internal/control/roster", "cmd/hotstart/internal/report"},
	"cmd/hotstart/internal/session/asks":       {},
	"cmd/hotstart/internal/session/change":     {"cmd/hotstart/internal/rules"},
	"cmd/hotstart/internal/session/churn":      {},
	"cmd/hotstart/internal/session/machine":    {"builder", "starter", "cmd/hotstart/internal/cli", "cmd/hotstart/internal/control", "cmd/hotstart/internal/report", "cmd/hotstart/internal/rules", "cmd/hotstart/internal/session/asks", "cmd/hotstart/internal/session/change", "cmd/hotstart/internal/session/churn"},

	"builder":                             {"builder/adopt", "builder/internal/fastbuild", "builder/internal/gotool", "builder/internal/graph", "builder/internal/paths"},
	"builder/internal/fastbuild":          {"builder/internal/fastbuild/delta", "builder/internal/fastbuild/linktool", "builder/internal/fastbuild/replay", "builder/internal/gotool", "builder/internal/graph"},
	"builder/internal/fastbuild/linktool": {"builder/internal/gotool"},
	"builder/internal/fastbuild/delta":    {"builder/internal/fastbuild/linktool"},
	"builder/internal/fastbuild/replay":   {"builder/internal/fastbuild/linktool", "builder/internal/paths"},
	"builder/internal/graph":              {"builder/internal/gotool", "builder/internal/paths"},
	"builder/internal/gotool":             {"builder/internal/paths"},
	"builder/internal/paths":              {},
	"builder/internal/buildtest":          {},
	"builder/adopt":                       {"builder/adopt/hook"},
	"builder/adopt/hook":                  {},
	"builder/adopt/inject":                {},
}

// guests lists the only packages that may import a library. "x/..." is every
// package below x.
var guests = map[string][]string{
	"github.com/fsnotify/fsnotify":        {"watcher"},
	"github.com/fatih/color":              {"cmd/hotstart/internal/term"},
	"github.com/spf13/cobra":              {"cmd/hotstart", "cmd/hotstart/internal/settings"},
	"github.com/spf13/pflag":              {"cmd/hotstart", "cmd/hotstart/internal/settings"},
	"github.com/BurntSushi/toml":          {"cmd/hotstart/internal/air", "cmd/hotstart/internal/settings"},
	"github.com/mattn/go-isatty":          {"cmd/hotstart/internal/term"},
	"github.com/mattn/go-runewidth":       {"cmd/hotstart/internal/term"},
	"github.com/VictoriaMetrics/metrics":  {"cmd/hotstart/internal/metrics"},
	"github.com/prometheus/common/expfmt": {},
	"github.com/joho/godotenv":            {"cmd/hotstart/internal/session"},
	"github.com/chromedp/chromedp":        {},
	"golang.org/x/sys/unix":               {"builder/internal/graph", "cmd/hotstart/internal/control", "cmd/hotstart/internal/term", "starter", "starter/daemon", "starter/internal/...", "watcher"},
}

// everywhere lists the packages that become a part of users' programs: they
// need the standard library alone.
var everywhere = []string{"starter/worker", "starter/internal/wire", "builder/adopt/hook", "builder/adopt/inject"}

// pure lists the packages that decide and do nothing else: they use no file,
// process, connection, goroutine or clock.
var pure = []string{"cmd/hotstart/internal/session/asks", "cmd/hotstart/internal/session/change", "cmd/hotstart/internal/session/churn", "cmd/hotstart/internal/session/machine"}

// impure matches what a pure package must not have.
var impure = regexp.MustCompile(`^\t"(os|os/.*|io|io/.*|net|net/.*|sync|sync/.*)"$|\bgo func\b|\btime\.(Now|Since|Until|After|AfterFunc|NewTimer|Sleep)\b`)

func TestPurePackagesOnlyDecide(t *testing.T) {
	for _, name := range pure {
		files, err := filepath.Glob("../../" + name + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatal(name, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for line := range strings.Lines(read(t, file)) {
				if found := impure.FindString(strings.TrimSuffix(line, "\n")); found != "" {
					t.Errorf("%s: %s", file, found)
				}
			}
		}
	}
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); seen++ {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		checkImports(t, strings.TrimPrefix(p.ImportPath, module), p.Imports)
	}
	if seen != len(house) {
		t.Errorf("%d packages listed, the house has %d", seen, len(house))
	}
}

func checkImports(t *testing.T, name string, imports []string) {
	may, ok := house[name]
	if !ok {
		t.Errorf("%s is not in the house", name)
	}
	for _, path := range imports {
		if ours, ok := strings.CutPrefix(path, module); ok && !slices.Contains(may, ours) {
			t.Errorf("%s must not import %s", name, ours)
		}
		if hosts, ok := guests[path]; ok && !slices.ContainsFunc(hosts, func(host string) bool {
			folder, all := strings.CutSuffix(host, "...")
			return host == name || all && strings.HasPrefix(name, folder)
		}) {
			t.Errorf("%s must not import %s", name, path)
		}
		first, _, _ := strings.Cut(path, "/")
		if slices.Contains(everywhere, name) && strings.Contains(first, ".") && !strings.HasPrefix(path, module) {
			t.Errorf("%s must not import %s: it becomes a part of the user's program", name, path)
		}
	}
}

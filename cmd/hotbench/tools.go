package main

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// tool is something that rebuilds and restarts a program when a file of it
// changes.
type tool struct {
	name   string
	module string            // of a peer, with the package of its command; "": it is built otherwise
	args   []string          // after the command itself
	files  map[string]string // its configuration, in the folder of the project
	binary string            // what it builds there, to remove afterwards
}

// bare is the yardstick: go build of the same edit, with no tool at all.
const bare = "go build"

// ours is hotstart among the tools. plain is the same when it leaves all
// building to the go command.
const (
	ours  = "hotstart"
	plain = "hotstart --direct=off"
)

// tools are what is compared, each as its own documentation has it: the
// first command that its README gives for a server, and for air also what
// its documentation offers against waiting.
func tools() []tool {
	const build, start = "go build -o ./bench-server .", "./bench-server"
	return []tool{
		{name: bare},
		{name: ours, args: []string{"watch"}},
		{name: plain, args: []string{"watch", "--direct=off"}},
		{name: "air", module: "github.com/air-verse/air", binary: "tmp"},
		{name: "air, delay 0", module: "github.com/air-verse/air", binary: "tmp",
			args: []string{"--build.delay", "0", "--build.send_interrupt", "true", "--build.kill_delay", "1s"}},
		{name: "wgo", module: "github.com/bokwoon95/wgo", args: []string{"run", "."}},
		{name: "reflex", module: "github.com/cespare/reflex", binary: "bench-server",
			args: []string{"-r", `\.go$`, "-s", "--", "sh", "-c", build + " && " + start}},
		{name: "CompileDaemon", module: "github.com/githubnemo/CompileDaemon", binary: "bench-server",
			args: []string{"-build=" + build, "-command=" + start}},
		{name: "modd", module: "github.com/cortesi/modd/cmd/modd", binary: "bench-server",
			files: map[string]string{"modd.conf": "**/*.go !**/*_test.go {\n    prep: " + build + "\n    daemon +sigterm: " + start + "\n}\n"}},
		{name: "gow", module: "github.com/mitranim/gow", args: []string{"run", "."}},
		{name: "templ", module: "github.com/a-h/templ/cmd/templ", args: []string{"generate", "--watch", "--cmd", "go run ."}},
	}
}

// named returns the tools of a list of names, all for an empty one.
func named(all []tool, list string) ([]tool, error) {
	if list == "" {
		return all, nil
	}
	var some []tool
	for name := range strings.SplitSeq(list, ";") {
		n := len(some)
		for _, t := range all {
			if t.name == name {
				some = append(some, t)
			}
		}
		if len(some) == n {
			return nil, fmt.Errorf("there is no tool %q; they are told apart by semicolons", name)
		}
	}
	return some, nil
}

// errMissing says why a peer is not among the figures.
var errMissing = errors.New("the module proxy does not serve it")

// command returns the path of a tool's command and, of a peer, its version.
// Peers are built into a folder that stays: what is there is taken, so remove
// it for what is newer.
func (b *bench) command(t tool) (path, version string, err error) {
	if t.module == "" {
		return b.hotstart, "", nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", "", err
	}
	path = filepath.Join(cache, "hotbench", "bin", filepath.Base(t.module))
	if _, err := os.Stat(path); err != nil {
		install := exec.Command("go", "install", t.module+"@latest")
		install.Dir = b.dir
		install.Env = append(os.Environ(), "GOBIN="+filepath.Dir(path), "GOFLAGS=")
		if out, err := install.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go install %s@latest: %s\n", t.module, out)
			return "", "", errMissing
		}
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return "", "", err
	}
	return path, info.Main.Version, nil
}

// lastLines is what a command said in the end, on one line.
func lastLines(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-2):], " ")
}

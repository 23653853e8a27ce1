package main

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// tool runs a program and starts it again at an edit or a signal.
type tool struct {
	name   string
	module string            // module and package of a peer's command; empty: not a peer
	args   []string          // after the command; ADDRESS, STATUS and SERVER are replaced
	files  map[string]string // configuration in the folder of the project
	binary string            // file or folder that the tool builds there
	linker bool              // hotstart that links by delta, which it prepares when nothing is edited

	yardstick func(p *project) (time.Duration, error) // measures what tools are compared with; nil: a tool
}

// ours is hotstart among the tools; whole is hotstart that links whole programs, and unshortened is
// hotstart without fast builds.
const (
	bareBuild   = "go build"
	bareStart   = "the program by itself"
	ours        = "hotstart"
	whole       = "hotstart --direct=whole"
	unshortened = "hotstart --direct=off"
)

// rebuilders start a program again when its source changes. Each is set up as
// its own documentation shows it: the first command in its README that runs a
// server. air has in addition the options that its documentation offers for
// less delay.
func rebuilders() []tool {
	const build, start = "go build -o ./bench-server .", "./bench-server"
	return []tool{
		{name: bareBuild, yardstick: timeBuild},
		{name: ours, args: []string{"watch"}, linker: true},
		{name: whole, args: []string{"watch", "--direct=whole"}},
		{name: unshortened, args: []string{"watch", "--direct=off"}},
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

// fromSource are hotstart and what it is compared with, without other tools.
func fromSource() []tool { return rebuilders()[:4] }

// superdaemons start a program again at SIGHUP. start_server is Perl's, from
// Debian's libserver-starter-perl.
func superdaemons() []tool {
	options := []string{"--port=ADDRESS", "--status-file=STATUS", "--", "SERVER"}
	return []tool{
		{name: bareStart, yardstick: timeStart},
		{name: "hotstart run --ready=auto", args: append([]string{"run", "--ready=auto"}, options...)},
		{name: "hotstart run", args: append([]string{"run"}, options...)},
		{name: "start_server", args: options},
	}
}

// errUnavailable explains why a peer has no figures.
var errUnavailable = errors.New("the module proxy does not serve it")

// install returns the path of a tool and the version of a peer. Peers are built
// into a folder in the user's cache; remove the folder to get newer versions.
func (b *bench) install(t tool) (path, version string, err error) {
	switch {
	case t.name == "start_server":
		path, err = exec.LookPath(t.name)
		return path, "", err
	case t.module == "":
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
			return "", "", errUnavailable
		}
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return "", "", err
	}
	return path, info.Main.Version, nil
}

func timeBuild(p *project) (time.Duration, error) {
	if err := p.setText(newText()); err != nil {
		return 0, err
	}
	began := time.Now()
	err := p.goCommand("build", "-o", p.binary(), ".")
	return time.Since(began), err
}

func timeStart(p *project) (time.Duration, error) {
	address, err := freeAddress()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(p.binary())
	cmd.Env = append(os.Environ(), "ADDRESS="+address)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for time.Since(began) < timeout {
		if _, _, err := ask(address); err == nil {
			return time.Since(began), nil
		}
		time.Sleep(200 * time.Microsecond)
	}
	return 0, errors.New("the program does not answer")
}

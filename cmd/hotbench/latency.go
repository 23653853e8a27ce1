package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// runLatency compares, edit by edit and in turn, the time from a save to the
// first new answer with that of a bare go build of the same edit.
func runLatency(args []string) error {
	flags := flag.NewFlagSet("latency", flag.ContinueOnError)
	edits := flags.Int("n", 15, "edits to measure")
	warm := flags.Int("warm", 2, "edits to make before that")
	binary := flags.String("hotstart", "", "the hotstart to measure; built from this checkout if empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "hotbench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if *binary == "" {
		if *binary, err = buildHotstart(dir); err != nil {
			return err
		}
	}
	served, bare, err := measureLatency(dir, *binary, *warm, *edits)
	if err != nil {
		return err
	}
	fmt.Printf("%-34s %8s %8s %8s\n", "", "median", "p95", "ratio")
	fmt.Printf("%-34s %8s %8s %8.2f\n", "bare go build", ms(quantile(bare, 0.5)), ms(quantile(bare, 0.95)), 1.0)
	fmt.Printf("%-34s %8s %8s %8.2f\n", "hotstart: save to first new answer", ms(quantile(served, 0.5)), ms(quantile(served, 0.95)),
		float64(quantile(served, 0.5))/float64(quantile(bare, 0.5)))
	return nil
}

func measureLatency(dir, binary string, warm, edits int) (served, bare []time.Duration, err error) {
	watched, err := newProject(filepath.Join(dir, "watched"))
	if err != nil {
		return nil, nil, err
	}
	built, err := newProject(filepath.Join(dir, "built"))
	if err != nil {
		return nil, nil, err
	}
	s, err := startWatch(binary, watched.dir)
	if err != nil {
		return nil, nil, err
	}
	defer s.stop()
	for i := range warm + edits {
		text := fmt.Sprintf("edit %d", i)
		b, err := timeBuild(built, text)
		if err != nil {
			return nil, nil, err
		}
		d, err := timeSave(s, watched, text)
		if err != nil {
			return nil, nil, err
		}
		if i >= warm {
			served, bare = append(served, d), append(bare, b)
		}
	}
	return served, bare, nil
}

// timeSave measures from a save to the first answer that shows it.
func timeSave(s *session, p project, text string) (time.Duration, error) {
	begin := time.Now()
	if err := p.write(text); err != nil {
		return 0, err
	}
	if err := s.await(text); err != nil {
		return 0, err
	}
	d := time.Since(begin)
	time.Sleep(rest)
	return d, nil
}

// timeBuild measures a bare go build of the same edit.
func timeBuild(p project, text string) (time.Duration, error) {
	if err := p.write(text); err != nil {
		return 0, err
	}
	build := exec.Command("go", "build", "-o", filepath.Join(p.dir, "..", "bare"), ".")
	build.Dir = p.dir
	begin := time.Now()
	out, err := build.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("go build: %w\n%s", err, out)
	}
	d := time.Since(begin)
	time.Sleep(rest)
	return d, nil
}

// rest lets what a measurement has set off come to an end before the next.
const rest = 400 * time.Millisecond

func quantile(d []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func ms(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// project is a small server in a module of its own.
type project struct{ dir string }

func newProject(dir string) (project, error) {
	p := project{dir}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return p, err
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/bench\n\ngo 1.24\n"), 0o644); err != nil {
		return p, err
	}
	return p, p.write("first")
}

// write saves the server with another text in it.
func (p project) write(text string) error {
	return os.WriteFile(filepath.Join(p.dir, "main.go"), []byte(strings.ReplaceAll(server, "TEXT", text)), 0o644)
}

const server = `package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "TEXT")
	})
	_, number, _ := strings.Cut(os.Getenv("SERVER_STARTER_PORT"), "=")
	fd, err := strconv.Atoi(number)
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.FileListener(os.NewFile(uintptr(fd), "listener"))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(l, nil))
}
`

// Package direct builds a Go program again with the commands that the go command has run
// for it before: it compiles the packages that have changed and links the program. What
// the go command does besides is to find out that nothing else is to be done, and that
// takes it as long again.
//
// The commands come from a `go build -toolexec`: the tools' own versions pass through it
// unchanged, so that the build cache stays shared with every other go command. Whether
// they still fit the sources is for the caller to say; this package refuses what it does
// not fully understand.
package direct

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"
)

// recorder is the name under which the program that builds stands between the go command
// and its tools.
const recorder = "hotstart-record"

// Record makes a process that the go command has started for a Recording into the tool
// that it was to run, once it has noted how, and then does not return. A program that
// makes Recordings calls it first thing in main.
func Record() {
	if filepath.Base(os.Args[0]) != recorder || len(os.Args) < 3 {
		return
	}
	argv := os.Args[2:]
	if len(argv) > 2 { // not a mere -V=full
		_ = note(os.Args[1], argv) // the build goes on; what was not noted is not done again
	}
	err := syscall.Exec(argv[0], argv, os.Environ())
	fmt.Fprintf(os.Stderr, "%s: %v\n", argv[0], err)
	syscall.Exit(127)
}

// A Recording is a directory where a go build leaves its commands.
type Recording struct{ dir string }

// NewRecording makes a directory below dir, which is absolute, for one build.
func NewRecording(dir string) (*Recording, error) {
	self, err := self()
	if err != nil {
		return nil, err
	}
	link := filepath.Join(dir, recorder)
	if err := os.Symlink(self, link); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if _, err := os.Stat(link); err != nil { // it would break the build
		return nil, err
	}
	if strings.ContainsAny(dir, `'"`) {
		return nil, fmt.Errorf("the go command can't be told of %s", dir)
	}
	dir, err = os.MkdirTemp(dir, "record-")
	return &Recording{dir}, err
}

// Flag returns the flag of `go build` that has its commands recorded.
func (r *Recording) Flag() string {
	return fmt.Sprintf("-toolexec='%s' '%s'", filepath.Join(filepath.Dir(r.dir), recorder), r.dir)
}

// Remove removes the directory.
func (r *Recording) Remove() error { return os.RemoveAll(r.dir) }

// note writes down a command of the compiler or the linker.
func note(dir string, argv []string) error {
	tool := filepath.Base(argv[0])
	c := command{Tool: argv[0], Args: argv[1:], Env: os.Environ(), Package: os.Getenv("TOOLEXEC_IMPORTPATH")}
	var err error
	if c.Dir, err = os.Getwd(); err != nil {
		return err
	}
	for _, text := range append(argv, c.Dir) {
		if !utf8.ValidString(text) {
			return fmt.Errorf("noting a command: JSON can't hold %q", text)
		}
	}
	if c.ImportConfig, err = c.read("-importcfg"); err != nil {
		return err
	}
	if c.EmbedConfig, err = c.read("-embedcfg"); err != nil {
		return err
	}
	switch tool {
	case "compile":
		_, err = c.sources() // most of the standard library's are of no use
	case "link":
		c.Kept, err = keepArchives(dir, c)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return c.write(dir, tool)
}

// read returns the content of the file that a flag names, "" if it is not given.
func (c *command) read(flag string) (string, error) {
	name, ok := c.value(flag)
	if !ok {
		return "", nil
	}
	content, err := os.ReadFile(absolute(c.Dir, name))
	return string(content), err
}

func (c *command) write(dir, tool string) error {
	content, err := json.Marshal(c)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, tool+"-*.json") // the environment is the user's alone: 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// maxKept is how many archives are kept of one build. When the cache was cold, there may be
// a thousand, a gigabyte, which the next build takes from the cache.
const maxKept = 300

// keepArchives keeps what was compiled for this build from being removed with the go
// command's temporary files. It returns where each is now, by package.
func keepArchives(dir string, link command) (map[string]string, error) {
	kept := map[string]string{}
	for path, file := range parseConfig(link.ImportConfig).archives() {
		if !inside(link.work(), file) {
			continue
		}
		if len(kept) == maxKept {
			return nil, fmt.Errorf("more than %d packages were compiled", maxKept)
		}
		kept[path] = filepath.Join(dir, fmt.Sprintf("%d.a", len(kept)))
		if os.Link(file, kept[path]) == nil {
			continue
		}
		if err := copyFile(file, kept[path]); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

func copyFile(from, to string) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}

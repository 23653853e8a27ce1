package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"unicode/utf8"

	"github.com/hotstart/hotstart/builder/internal/paths"
)

// toolName is the name of the executable that -toolexec starts instead of a tool: a link to
// the running program.
const toolName = "hotstart-record"

// RunTool runs the tool of a recorded build if -toolexec has started this process: it saves
// the command, replaces the process by the tool, and does not return. In any other process it
// does nothing.
func RunTool() {
	if filepath.Base(os.Args[0]) != toolName || len(os.Args) < 3 {
		return
	}
	argv := os.Args[2:]
	if len(argv) > 2 { // more than -V=full
		_ = save(os.Args[1], argv) // an error is not one of the build: the command just can't be replayed
	}
	err := syscall.Exec(argv[0], argv, os.Environ())
	fmt.Fprintf(os.Stderr, "%s: %v\n", argv[0], err)
	syscall.Exit(127)
}

// save saves a command of the compiler or the linker.
func save(dir string, argv []string) error {
	tool := filepath.Base(argv[0])
	c := command{Tool: argv[0], Args: argv[1:], Env: os.Environ(), Package: os.Getenv("TOOLEXEC_IMPORTPATH")}
	var err error
	if c.Dir, err = os.Getwd(); err != nil {
		return err
	}
	for _, text := range append(argv, c.Dir) {
		if !utf8.ValidString(text) {
			return fmt.Errorf("recording a command: JSON can't represent %q", text)
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
		_, err = c.sources() // do not save those of the standard library, which can't be replayed
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

// read returns the content of the file that a flag names, or "" if the flag is not set.
func (c *command) read(flag string) (string, error) {
	name, ok := c.value(flag)
	if !ok {
		return "", nil
	}
	content, err := os.ReadFile(paths.Absolute(c.Dir, name))
	return string(content), err
}

func (c *command) write(dir, tool string) error {
	content, err := json.Marshal(c)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, tool+"-*.json") // mode 0600: the environment may have secrets
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// maxKept is how many archives of one build are kept. With an empty build cache a build may
// compile a thousand packages, a gigabyte; the next build takes them from the cache.
const maxKept = 300

// keepArchives saves the archives that this build compiled from the removal of the go command's
// temporary files. It returns the new file of each, by import path.
func keepArchives(dir string, link command) (map[string]string, error) {
	kept := map[string]string{}
	for path, file := range archivesIn(link.ImportConfig) {
		if !paths.Inside(link.work(), file) {
			continue
		}
		if len(kept) == maxKept {
			return nil, fmt.Errorf("more than %d packages were compiled", maxKept)
		}
		kept[path] = filepath.Join(dir, fmt.Sprintf("%d.a", len(kept)))
		if os.Link(file, kept[path]) == nil {
			continue
		}
		if err := copyFile(file, kept[path]); err != nil { // on another file system
			return nil, err
		}
	}
	return kept, nil
}

func copyFile(from, to string) error {
	w, err := os.Create(to)
	if err != nil {
		return err
	}
	return errors.Join(copyTo(w, from), w.Close())
}

// copyTo writes the content of a file to w.
func copyTo(w io.Writer, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// Package replay builds a Go program again with the commands that the go command has run for
// an earlier build: it compiles the packages that have changed, and links the program. The go
// command itself would take as long again to find out that nothing else is to be done.
//
// The commands come from a `go build -toolexec`. Since the versions of the tools pass through
// it unchanged, the build uses the same build cache as every other go command. The caller
// decides whether the commands still fit the sources; this package refuses commands that it
// does not fully understand.
package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Recording is a directory where one go build leaves its commands.
type Recording struct{ dir string }

// NewRecording makes a directory below dir, which is absolute.
func NewRecording(dir string) (*Recording, error) {
	if runtime.GOOS != "linux" { // build IDs were tested with the ELF files of Linux alone
		return nil, fmt.Errorf("building without the go command on %s: %w", runtime.GOOS, errors.ErrUnsupported)
	}
	// The path is valid until this process exits, even if the file of the program is replaced.
	self := fmt.Sprintf("/proc/%d/exe", os.Getpid())
	link := filepath.Join(dir, toolName)
	if err := os.Symlink(self, link); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if _, err := os.Stat(link); err != nil { // the link would break the build
		return nil, err
	}
	if strings.ContainsAny(dir, `'"`) {
		return nil, fmt.Errorf("recording a build: -toolexec does not support the path %s", dir)
	}
	dir, err := os.MkdirTemp(dir, "record-")
	return &Recording{dir}, err
}

// Flag returns the flag of `go build` that records its commands.
func (r *Recording) Flag() string {
	return fmt.Sprintf("-toolexec='%s' '%s'", filepath.Join(filepath.Dir(r.dir), toolName), r.dir)
}

// archives returns the archives that the program was linked from, by import path.
func (r *Recording) archives() (map[string]string, error) {
	_, link, err := r.commands()
	if err != nil {
		return nil, err
	}
	archives := archivesIn(link.ImportConfig)
	maps.Copy(archives, link.Kept)
	return archives, nil
}

// Remove removes the directory.
func (r *Recording) Remove() error { return os.RemoveAll(r.dir) }

// commands reads the recorded commands.
func (r *Recording) commands() (compiled []*command, link *command, err error) {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".json" {
			continue
		}
		c := new(command)
		content, err := os.ReadFile(filepath.Join(r.dir, entry.Name()))
		if err == nil {
			err = json.Unmarshal(content, c)
		}
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("reading a recorded command: %w", err)
		case !strings.HasPrefix(entry.Name(), "link-"):
			compiled = append(compiled, c)
		case link != nil:
			return nil, nil, fmt.Errorf("several programs were linked")
		default:
			link = c
		}
	}
	if link == nil {
		return nil, nil, fmt.Errorf("nothing was linked")
	}
	return compiled, link, nil
}

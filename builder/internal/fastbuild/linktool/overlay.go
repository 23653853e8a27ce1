package linktool

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Anchor is a change of one place in the linker's sources.
type Anchor struct {
	File     string // below cmd/link/internal
	Old, New string // Old occurs exactly once
	Optional bool   // Old may be missing: not all releases have it
}

// overlay is the linker's sources that differ from those of the Go release.
type overlay struct {
	files map[string]string // content, by path below cmd/link/internal
	sum   string            // hash of the release's sources that the changes rely on
}

// linker is where the sources of the linker are that may change, below GOROOT/src.
const linker = "cmd/link/internal/"

// overlay makes the overlay for the linker of a Go installation.
func (s *Source) overlay(goroot string) (*overlay, error) {
	hash := sha256.New()
	o := &overlay{files: map[string]string{}}
	for _, name := range s.ReliedOn {
		content, err := os.ReadFile(filepath.Join(goroot, "src", name))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(hash, "%s %d\n%s", name, len(content), content)
		file, ok := strings.CutPrefix(name, linker)
		if !ok {
			continue
		}
		changed, err := s.applyAnchors(file, string(content))
		if err != nil {
			return nil, err
		}
		if changed != string(content) {
			o.files[file] = changed
		}
	}
	o.sum = fmt.Sprintf("%x", hash.Sum(nil)[:16])
	for name, content := range s.Added {
		o.files[name] = content
	}
	return o, nil
}

// applyAnchors changes the content of a file as the anchors say.
func (s *Source) applyAnchors(file, content string) (string, error) {
	var pairs []string
	for _, a := range s.Anchors {
		if a.File != file {
			continue
		}
		n := strings.Count(content, a.Old)
		if n == 1 {
			pairs = append(pairs, a.Old, a.New)
		} else if n > 1 || !a.Optional {
			return "", fmt.Errorf("changing %s of the Go linker: %q occurs %d times", file, a.Old, n)
		}
	}
	return strings.NewReplacer(pairs...).Replace(content), nil
}

// write writes the files into a directory. It returns the file for the flag -overlay.
func (o *overlay) write(goroot, dir string) (config string, err error) {
	replace := map[string]string{}
	for name, content := range o.files {
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(goroot, "src", linker, name)] = file
	}
	content, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	config = filepath.Join(dir, "overlay.json")
	return config, os.WriteFile(config, content, 0o600)
}

// key returns a hash of all that decides about the linker that is built, besides
// the sources that the Go version tells.
func (o *overlay) key(more ...string) string {
	hash := sha256.New()
	fmt.Fprintf(hash, "%q %s\n", more, o.sum)
	names := make([]string, 0, len(o.files))
	for name := range o.files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(hash, "%s %d\n%s", name, len(o.files[name]), o.files[name])
	}
	return fmt.Sprintf("%x", hash.Sum(nil)[:16])
}

package prelink

import (
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// overlayFiles are the files that are added to the linker.
//
//go:embed _overlay/ld.go _overlay/loader.go
var overlayFiles embed.FS

// overlay is the linker's sources that differ from those of the Go release.
type overlay struct {
	files map[string]string // content, by path below cmd/link/internal
	sum   string            // hash of the release's sources that the changes rely on
}

// reliedOn are the sources that the overlay relies on, below src/cmd: those
// that have anchors, and those with the functions that the added files call.
var reliedOn = []string{
	"internal/goobj/builtin.go",
	"internal/goobj/objfile.go",
	"link/internal/ld/deadcode.go",
	"link/internal/ld/go.go",
	"link/internal/ld/inittask.go",
	"link/internal/ld/lib.go",
	"link/internal/ld/link.go",
	"link/internal/ld/main.go",
	"link/internal/loader/loader.go",
	"link/internal/loader/symbolbuilder.go",
	"link/internal/sym/library.go",
}

// newOverlay makes the overlay for the linker of a Go installation.
func newOverlay(goroot string) (*overlay, error) {
	src := filepath.Join(goroot, "src", "cmd")
	hash := sha256.New()
	o := &overlay{files: map[string]string{}}
	for _, name := range reliedOn {
		content, err := os.ReadFile(filepath.Join(src, name))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(hash, "%s %d\n%s", name, len(content), content)
		file := strings.TrimPrefix(name, "link/internal/")
		changed, err := applyAnchors(file, string(content))
		if err != nil {
			return nil, err
		}
		if changed != string(content) {
			o.files[file] = changed
		}
	}
	o.sum = fmt.Sprintf("%x", hash.Sum(nil)[:16])
	for _, name := range []string{"ld", "loader"} {
		content, err := overlayFiles.ReadFile("_overlay/" + name + ".go")
		if err != nil {
			return nil, err
		}
		o.files[name+"/hotstart_prelink.go"] = string(content)
	}
	return o, nil
}

// applyAnchors changes the content of a file as the anchors say.
func applyAnchors(file, content string) (string, error) {
	var pairs []string
	for _, a := range anchors {
		if a.file != file {
			continue
		}
		n := strings.Count(content, a.old)
		if n == 1 {
			pairs = append(pairs, a.old, a.new)
		} else if n > 1 || !a.optional {
			return "", fmt.Errorf("changing %s of the Go linker: %q occurs %d times", file, a.old, n)
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
		replace[filepath.Join(goroot, "src", "cmd", "link", "internal", name)] = file
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

package graph

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hotstart/hotstart/builder/internal/paths"
)

// Flags returns a -gcflags flag for each package that includes a file in another directory which
// has changed since the first list. The go command ignores such changes: it compiles a package
// again only if a file in the package's directory or a flag changes. The flag has no effect, and
// depends on the content of the files. It contains the user's last -gcflags, which it would
// override otherwise.
func (l *Lister) Flags() (flags []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.latest == nil {
		return nil
	}
	for _, dir := range slices.Sorted(maps.Keys(l.latest.Packages)) {
		p := l.latest.Packages[dir]
		hash, changed := sha256.New(), false
		for _, file := range p.includes {
			sum := contentSum(file)
			changed = changed || sum != l.includes[file]
			hash.Write(sum[:])
		}
		if changed {
			// The rate of samples in a memory profile of the compiler, which is not written.
			rate := binary.BigEndian.Uint32(hash.Sum(nil))>>2 + 1
			more, _ := l.project.Flags.Value("gcflags")
			if !strings.HasPrefix(more, "-") {
				_, more, _ = strings.Cut(more, "=")
			}
			flags = append(flags, strings.TrimSpace(fmt.Sprintf("-gcflags=%s=-memprofilerate=%d %s", p.Path, rate, more)))
		}
	}
	return flags
}

// contentSum returns a hash of a file, or zero if the file can't be read.
func contentSum(file string) [sha256.Size]byte {
	content, err := os.ReadFile(file)
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(content)
}

// includeLine is a directive that includes a file. A name in quotes is searched in the
// directory of the source first, a name in angle brackets only in the directories of -I.
var includeLine = regexp.MustCompile(`(?m)^[ \t]*(?://)?[ \t]*#[ \t]*(?:include|import)[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)`)

// findIncludes returns the files outside of dir that the sources include, directly or not, or
// would include if the files existed. Files of the system are left out: of the directories that
// -I names, only those in one of the modules are searched.
func findIncludes(dir string, sources, flags, modules []string) (outside []string) {
	var dirs []string
	for i, flag := range flags {
		switch {
		case (flag == "-I" || flag == "-iquote") && i+1 < len(flags):
			dirs = append(dirs, paths.Absolute(dir, flags[i+1]))
		case len(flag) > 2 && flag[:2] == "-I":
			dirs = append(dirs, paths.Absolute(dir, flag[2:]))
		}
	}
	dirs = slices.DeleteFunc(dirs, func(dir string) bool {
		return !slices.ContainsFunc(modules, func(root string) bool { return paths.Inside(root, dir) })
	})
	seen := map[string]bool{}
	pending := slices.DeleteFunc(slices.Clone(sources), func(file string) bool {
		return !IsC(file) && !IsAssembly(file) && (filepath.Ext(file) != ".go" || !importsC(file))
	})
	for ; len(pending) > 0; pending = pending[1:] {
		file := pending[0]
		if seen[file] {
			continue
		}
		seen[file] = true
		if filepath.Dir(file) != dir {
			outside = append(outside, file)
		}
		content, _ := os.ReadFile(file)
		for _, match := range includeLine.FindAllSubmatch(content, -1) {
			places := dirs
			if len(match[1]) > 0 {
				places = append([]string{filepath.Dir(file), dir}, dirs...)
			}
			for _, place := range places {
				included := filepath.Join(place, string(match[1])+string(match[2]))
				pending = append(pending, included) // a missing file, too: it would take precedence
				if paths.Exists(included) {
					break
				}
			}
		}
	}
	slices.Sort(outside)
	return outside
}

package builder

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
	"sync"
)

// includes are files outside of a package's directory that its C or assembly sources
// include. The go command takes no notice of them: a package is compiled again only if
// something in its own directory or in its flags changes. So once one of them has changed,
// the package gets a flag that depends on their content and has no effect.
type includes struct {
	mu     sync.Mutex
	listed bool
	first  map[string][sha256.Size]byte // content when the first list was made
	of     map[string][]string          // files by import path of the package, sorted
}

// know takes in a graph.
func (i *includes) know(g *Graph) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.of = map[string][]string{}
	for _, p := range g.packages {
		if len(p.includes) > 0 {
			i.of[p.path] = p.includes
		}
	}
	if !i.listed {
		i.listed, i.first = true, map[string][sha256.Size]byte{}
		for _, files := range i.of {
			for _, file := range files {
				i.first[file] = contentSum(file)
			}
		}
	}
}

// flags returns a flag for each package whose includes are not as they were first, with the
// last of the user's -gcflags, which it would override.
func (i *includes) flags(user buildFlags) (flags []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, path := range slices.Sorted(maps.Keys(i.of)) {
		hash, changed := sha256.New(), false
		for _, file := range i.of[path] {
			sum := contentSum(file)
			changed = changed || sum != i.first[file]
			hash.Write(sum[:])
		}
		if changed {
			// It sets how often the compiler takes a sample for a profile that is not asked for.
			rate := binary.BigEndian.Uint32(hash.Sum(nil))>>2 + 1
			more, _ := user.value("gcflags")
			if !strings.HasPrefix(more, "-") {
				_, more, _ = strings.Cut(more, "=")
			}
			flags = append(flags, strings.TrimSpace(fmt.Sprintf("-gcflags=%s=-memprofilerate=%d %s", path, rate, more)))
		}
	}
	return flags
}

// contentSum is zero for a file that can't be read.
func contentSum(file string) [sha256.Size]byte {
	content, err := os.ReadFile(file)
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(content)
}

// includeLine is a directive with a name in quotes: those in angle brackets are looked for in
// the directories of -I only.
var includeLine = regexp.MustCompile(`(?m)^[ \t]*(?://)?[ \t]*#[ \t]*(?:include|import)[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)`)

// findIncludes returns the files outside of dir that the sources include, or would if they
// were there, directly or not, and that are not of the system.
// Of the directories that -I names those in one of the modules count.
func findIncludes(dir string, sources, flags, modules []string) (outside []string) {
	var dirs []string
	for i, flag := range flags {
		switch {
		case (flag == "-I" || flag == "-iquote") && i+1 < len(flags):
			dirs = append(dirs, absolute(dir, flags[i+1]))
		case len(flag) > 2 && flag[:2] == "-I":
			dirs = append(dirs, absolute(dir, flag[2:]))
		}
	}
	dirs = slices.DeleteFunc(dirs, func(dir string) bool {
		return !slices.ContainsFunc(modules, func(root string) bool { return inside(root, dir) })
	})
	seen := map[string]bool{}
	pending := slices.DeleteFunc(slices.Clone(sources), func(file string) bool {
		return !isC(file) && !isAssembly(file) && (filepath.Ext(file) != ".go" || !importsC(file))
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
				pending = append(pending, included) // missing ones too: they would come first
				if exists(included) {
					break
				}
			}
		}
	}
	slices.Sort(outside)
	return outside
}

// Package linktool builds linkers of the user's Go installation from its
// sources, with changes. It is what all fast linkers share: the changes, the
// releases they were tested with, the build in the user's cache directory, and
// the self-test after the build.
package linktool

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrUntested means that a linker was not tested under these conditions.
var ErrUntested = errors.New("a changed linker was not tested with this")

// ErrNotBuilt means that the linker is not built yet.
var ErrNotBuilt = errors.New("the linker is not built yet")

// Options describe where linkers are built and used.
type Options struct {
	GOROOT   string
	Env      []string // environment of the go command that builds the linker
	CacheDir string   // where linkers are kept, of all sessions; made if necessary
	Dir      string   // existing directory for temporary files
}

// Source is the sources of a changed linker.
type Source struct {
	Name     string            // of the linker's file in the cache directory
	Anchors  []Anchor          // changes of the release's sources
	Added    map[string]string // content of the files that are added, by path below cmd/link/internal
	ReliedOn []string          // sources of the release that the changes rely on, below GOROOT/src
	Tested   map[string]string // releases that were tested, by the hash of the sources in ReliedOn

	// SelfTest returns an error if the linker that was just built is wrong. It may leave files in t.Dir.
	SelfTest func(ctx context.Context, t *Test) error
}

// Command is a link command whose archives change. It does not change itself.
type Command struct {
	Flags  []string // arguments but -o, -importcfg and the archive of package main
	Dir    string   // working directory
	Env    []string
	Main   string // import path of package main
	Config func(archives map[string]string) (string, error)
}

// Check returns an error that wraps ErrUntested if the command has a flag that is not in the list
// of tested flags. A * at the end of one stands for any value.
func (c *Command) Check(tested []string) error {
	for i, flag := range c.Flags {
		isValue := i > 0 && c.Flags[i-1] == "-X"
		if !isValue && !slices.ContainsFunc(tested, func(tested string) bool {
			prefix, any := strings.CutSuffix(tested, "*")
			return flag == tested || any && strings.HasPrefix(flag, prefix)
		}) {
			return fmt.Errorf("%w: the flag %s", ErrUntested, flag)
		}
	}
	return nil
}

// LibraryName returns the name that the linker has for a package.
func (c *Command) LibraryName(path string) string {
	if path == c.Main {
		return "main"
	}
	return path
}

// Config returns the import configuration of archives, by import path, that `go tool link -importcfg` reads.
func Config(archives map[string]string) (string, error) {
	var config strings.Builder
	for path, file := range archives {
		fmt.Fprintf(&config, "packagefile %s=%s\n", path, file)
	}
	return config.String(), nil
}

// Changed returns the packages whose archives differ.
func Changed(before, after map[string]string) (packages []string) {
	for path := range maps.Keys(after) {
		if before[path] != after[path] {
			packages = append(packages, path)
		}
	}
	return packages
}

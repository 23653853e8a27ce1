package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

// config is where the settings of a watch come from. They can be read as
// often as the file changes.
type config struct {
	given   settings.Given // on the command line
	env     []string
	start   string        // the folder that hotstart was started in
	dir     string        // that all is relative to; "": not known yet
	path    string        // of hotstart.toml, whether or not it is there; "": none
	root    string        // the folder in which it counts; "": it was named, and counts anywhere
	found   bool          // it is there, and counts
	ignored *ignoredError // why it does not count; nil: it does, or is not there
}

// newConfig takes in what a command was given.
func newConfig(flags *watchFlags) (*config, error) {
	given, env := settings.GivenTo(flags.all), os.Environ()
	// What says which file is read can't stand in it.
	if _, err := settings.Fill(flags.all, given, env, nil); err != nil {
		return nil, err
	}
	c, err := configOf(flags.options.config)
	if err != nil {
		return nil, err
	}
	c.given, c.env = given, env
	return c, nil
}

// configOf is the file that --config means, and nothing else.
func configOf(named string) (*config, error) {
	start, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	path, root, err := chooseConfig(named, start)
	return &config{start: start, path: path, root: root}, err
}

// fill gives flags, which are fresh, what was given, and tells where.
func (c *config) fill(flags *watchFlags) (sources, error) {
	doc, err := c.read()
	if err != nil {
		return nil, err
	}
	from, err := settings.Fill(flags.all, c.given, c.env, doc)
	if err != nil {
		return nil, err
	}
	if c.dir == "" { // it stays, whatever becomes of the file
		c.dir = c.start
		if c.found {
			c.dir = filepath.Dir(c.path)
		}
	}
	o := &flags.options
	o.dir = c.dir
	if from["package"].Kind != settings.File {
		o.packages = moved(o.packages, c.start, o.dir)
	}
	return from, nil
}

// read reads the file, which may not be there or not count.
func (c *config) read() (*settings.Document, error) {
	c.found, c.ignored = false, nil
	if c.path == "" {
		return nil, nil
	}
	text, found, err := c.readConfig()
	if errors.As(err, &c.ignored) {
		return nil, nil
	}
	if err != nil || !found {
		return nil, err
	}
	doc, err := settings.Parse(c.name(), text)
	c.found = err == nil
	return doc, err
}

// warnings are of what was given and has no effect.
func (c *config) warnings(all *pflag.FlagSet) []string {
	lines := settings.Strangers(all, c.env)
	if c.ignored != nil {
		lines = append(lines, fmt.Sprintf("%v; run: %s", c.ignored, c.ignored.hint))
	}
	return lines
}

// name is the shortest of the file.
func (c *config) name() string {
	if name, err := filepath.Rel(c.start, c.path); err == nil && len(name) < len(c.path) {
		return name
	}
	return c.path
}

// moved names packages and files, as they are called in one folder, as they
// are in another.
func moved(packages []string, from, to string) []string {
	packages = slices.Clone(packages)
	for i, p := range packages {
		local := p == "." || p == ".." || strings.HasPrefix(p, "./") || strings.HasPrefix(p, "../") || strings.HasSuffix(p, ".go")
		if rel, err := filepath.Rel(to, filepath.Join(from, p)); from != to && local && err == nil {
			packages[i] = rel
			if rel != "." && !strings.HasPrefix(rel, "../") {
				packages[i] = "./" + rel
			}
		}
	}
	return packages
}

// sources tell where each setting was given.
type sources map[string]settings.Source

var flagInText = regexp.MustCompile(`--[a-z-]+`)

// blame adds to an error about a flag where else its value comes from.
func (s sources) blame(err error) error {
	if err == nil || !isUsage(err) {
		return err
	}
	from := s[strings.TrimPrefix(flagInText.FindString(err.Error()), "--")]
	if from.Kind != settings.File && from.Kind != settings.Environment {
		return err
	}
	return &blamed{err, from.Place}
}

// blamed is an error that someone may look for on the command line.
type blamed struct {
	error
	place string
}

func (e *blamed) Error() string { return e.place + ": " + e.error.Error() }
func (e *blamed) Unwrap() error { return e.error }

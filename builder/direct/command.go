package direct

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// command is a command that the go command has run.
type command struct {
	Tool    string
	Args    []string
	Dir     string // absolute
	Env     []string
	Package string // import path of what is compiled or linked

	ImportConfig string            // content of the file that -importcfg names
	EmbedConfig  string            // … -embedcfg; "" without
	Kept         map[string]string // archives that the linker was given and that were moved, by package
}

// Flags of the compiler that can be given again as they are, with a value of their own or
// without. All others are refused: they may name files that are gone, or have effects
// besides the archive.
var (
	valued = []string{"-o", "-trimpath", "-p", "-installsuffix", "-buildid", "-goversion", "-D", "-importcfg", "-embedcfg"}
	plain  = []string{"-lang", "-complete", "-dwarf", "-c", "-nolocalimports", "-pack", "-race", "-msan", "-asan", "-shared", "-N", "-l", "-B"}
)

// sources returns the files that a compile command reads, absolute. An error says that it
// can't be run again.
func (c *command) sources() (files []string, err error) {
	args := c.Args
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name, _, joined := strings.Cut(args[0], "=")
		switch {
		case !joined && slices.Contains(valued, name) && len(args) > 1:
			args = args[2:]
		case slices.Contains(plain, name):
			args = args[1:]
		default:
			return nil, fmt.Errorf("compiling %s again: unknown flag %s", c.Package, args[0])
		}
	}
	for _, file := range args {
		file = absolute(c.Dir, file)
		if filepath.Ext(file) != ".go" || inside(c.work(), file) {
			return nil, fmt.Errorf("compiling %s again: %s is not a source", c.Package, file)
		}
		files = append(files, file)
	}
	if len(files) == 0 || c.Package == "" || !c.has("-o", "-importcfg", "-pack") {
		return nil, fmt.Errorf("compiling %s again: unlike a compile command: %q", c.Package, c.Args)
	}
	return files, nil
}

// embedded returns the files that a compile command embeds, absolute.
func (c *command) embedded() ([]string, error) {
	if c.EmbedConfig == "" {
		return nil, nil
	}
	var config struct{ Files map[string]string }
	if err := json.Unmarshal([]byte(c.EmbedConfig), &config); err != nil {
		return nil, fmt.Errorf("reading what %s embeds: %w", c.Package, err)
	}
	for _, file := range config.Files {
		if !filepath.IsAbs(file) {
			return nil, fmt.Errorf("embedding in %s: %s is not absolute", c.Package, file)
		}
	}
	return slices.Sorted(maps.Values(config.Files)), nil
}

// checkLink returns an error if a link command can't be run again.
func (c *command) checkLink() error {
	n := len(c.Args)
	if n < 6 || c.Args[0] != "-o" || c.Args[2] != "-importcfg" || strings.HasPrefix(c.Args[n-1], "-") {
		return fmt.Errorf("linking again: unlike a link command: %q", c.Args)
	}
	mode := ""
	for _, arg := range c.Args[4 : n-1] {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "-buildmode":
			mode = value
		case "-linkshared", "-pluginpath", "-fipso":
			return fmt.Errorf("linking again: %s", arg)
		}
		if strings.Contains(arg, c.work()) {
			return fmt.Errorf("linking again: %s names a temporary file", arg)
		}
	}
	if mode != "exe" && mode != "pie" {
		return fmt.Errorf("linking again: -buildmode=%s", mode)
	}
	if strings.Contains(c.ImportConfig, "packageshlib ") || strings.Contains(c.ImportConfig, `build\tvcs`) {
		return fmt.Errorf("linking again: it depends on more than the sources")
	}
	return nil
}

// work returns the go command's temporary directory: the import configuration is in a
// directory of that one.
func (c *command) work() string {
	name, _ := c.value("-importcfg")
	return filepath.Dir(filepath.Dir(absolute(c.Dir, name)))
}

func (c *command) has(flags ...string) bool {
	return !slices.ContainsFunc(flags, func(flag string) bool { return !slices.Contains(c.Args, flag) })
}

// value returns what follows a flag.
func (c *command) value(flag string) (string, bool) {
	if i := slices.Index(c.Args, flag); i >= 0 && i+1 < len(c.Args) {
		return c.Args[i+1], true
	}
	return "", false
}

// with returns the arguments with other values for some flags.
func (c *command) with(values map[string]string) []string {
	args := slices.Clone(c.Args)
	for i := 0; i+1 < len(args); i++ {
		if value, ok := values[args[i]]; ok {
			args[i+1] = value
			i++
		}
	}
	return args
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

func inside(dir, path string) bool { return strings.HasPrefix(path, dir+"/") }

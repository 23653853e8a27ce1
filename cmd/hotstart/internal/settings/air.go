package settings

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// A Note says what has become of a key of air's.
type Note struct{ Key, Became string }

// FromAir makes of air's settings a file that does the same, and tells for
// each of its keys what it has become, or why it has no equivalent. has
// reports whether there is a setting of a name.
func FromAir(text string, has func(name string) bool) (file string, notes []Note, err error) {
	var tree map[string]any
	meta, err := toml.Decode(text, &tree)
	var broken toml.ParseError
	if errors.As(err, &broken) {
		return "", nil, fmt.Errorf("%d:%d: %s", broken.Position.Line, broken.Position.Col, broken.Message)
	}
	if err != nil {
		return "", nil, err
	}
	a := &airFile{tree: tree, has: has, lists: map[string][]string{}, scalars: map[string]string{}}
	var keys []string
	for _, key := range meta.Keys() {
		name := key.String()
		if _, isTable := a.get(name).(map[string]any); !isTable && !slices.Contains(keys, name) && !strings.HasPrefix(name, "build.rules.") {
			keys = append(keys, name)
			notes = append(notes, Note{name, a.convert(name)})
		}
	}
	return a.file(), notes, nil
}

// airFile is a file of air's on its way to be one of ours.
type airFile struct {
	tree    map[string]any
	has     func(string) bool
	lists   map[string][]string // ours
	scalars map[string]string   // ours, as TOML
	tables  []string            // ours, [[rule]]
}

// get is the value of a key such as build.cmd, or nil.
func (a *airFile) get(key string) any {
	var value any = a.tree
	for _, name := range strings.Split(key, ".") {
		table, _ := value.(map[string]any)
		value = table[name]
	}
	return value
}

func (a *airFile) text(key string) string {
	text, _ := a.get(key).(string)
	return text
}

func (a *airFile) on(key string) bool { return a.get(key) == true }

func (a *airFile) list(key string) []string { return texts(a.get(key)) }

// texts are the strings of a list, or the one that stands for it.
func texts(value any) (all []string) {
	for _, element := range elements(value) {
		if text, ok := element.(string); ok && text != "" {
			all = append(all, text)
		}
	}
	return all
}

// milliseconds is a number of them as we write durations.
func (a *airFile) milliseconds(key string) string {
	n, _ := a.get(key).(int64)
	return (time.Duration(n) * time.Millisecond).String()
}

// add adds to a list of ours, and says so.
func (a *airFile) add(ours string, values ...string) string {
	for _, value := range values {
		if !slices.Contains(a.lists[ours], value) {
			a.lists[ours] = append(a.lists[ours], value)
		}
	}
	if len(values) == 0 {
		return "nothing: it is empty"
	}
	return ours
}

// set gives one of ours a string, and says so.
func (a *airFile) set(ours, value string) string {
	a.scalars[ours] = quote(value)
	return ours + " = " + quote(value)
}

// file writes what has been gathered.
func (a *airFile) file() string {
	var b strings.Builder
	b.WriteString(SchemaLine + "\n# What a file of air became. hotstart init writes one with every setting explained.\n\n")
	for _, name := range []string{"package", "args", "port", "build-flags", "before", "on-stop", "env-file", "watch", "restart", "ignore", "poll",
		"browser", "ready-timeout", "stop-signal", "stop-timeout", "clear", "color"} {
		switch value, ok := a.scalars[name]; {
		case ok:
			fmt.Fprintf(&b, "%s = %s\n", name, value)
		case len(a.lists[name]) > 0:
			fmt.Fprintf(&b, "%s = %s\n", name, listLiteral(a.lists[name]))
		}
	}
	for _, table := range a.tables {
		b.WriteString("\n" + table)
	}
	return b.String()
}

// patterns are what air's lists of folders, endings and files mean.
func patterns(dirs, exts, files []string) (all []string) {
	ending := "*"
	switch {
	case len(exts) == 1 && exts[0] != "*":
		ending = "*." + exts[0]
	case len(exts) > 1:
		ending = "*.{" + strings.Join(exts, ",") + "}"
	}
	if len(dirs) == 0 {
		dirs = []string{"."}
	}
	if len(exts) > 0 || len(files) == 0 {
		for _, dir := range dirs {
			all = append(all, path.Join(dir, "**", ending))
		}
	}
	return append(all, files...)
}

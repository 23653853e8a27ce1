// Package air converts the settings of air (https://github.com/air-verse/air)
// to a hotstart.toml.
package air

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

// A Note is the replacement of a key of air, or the reason why there is no
// replacement.
type Note struct{ Key, Replacement string }

// Convert returns a hotstart.toml that does the same as a file of air, and a note
// for each key of that file.
func Convert(text string) (file string, notes []Note, err error) {
	var tree map[string]any
	meta, err := toml.Decode(text, &tree)
	var broken toml.ParseError
	if errors.As(err, &broken) {
		return "", nil, fmt.Errorf("%d:%d: %s", broken.Position.Line, broken.Position.Col, broken.Message)
	}
	if err != nil {
		return "", nil, err
	}
	a := &converter{tree: tree, lists: map[string][]string{}, scalars: map[string]string{}}
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

// converter collects the settings of a hotstart.toml from the tree of a file of
// air.
type converter struct {
	tree    map[string]any
	lists   map[string][]string // values of hotstart's keys
	scalars map[string]string   // literals of hotstart's keys
	tables  []string            // [[rule]]
}

func (a *converter) get(key string) any {
	var value any = a.tree
	for _, name := range strings.Split(key, ".") {
		table, _ := value.(map[string]any)
		value = table[name]
	}
	return value
}

func (a *converter) text(key string) string {
	text, _ := a.get(key).(string)
	return text
}

func (a *converter) on(key string) bool { return a.get(key) == true }

func (a *converter) list(key string) []string { return texts(a.get(key)) }

// texts returns the strings of a list; a single string is a list of one.
func texts(value any) (all []string) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	for _, element := range list {
		if text, ok := element.(string); ok && text != "" {
			all = append(all, text)
		}
	}
	return all
}

// add appends to the list of a key, and returns the key.
func (a *converter) add(key string, values ...string) string {
	for _, value := range values {
		if !slices.Contains(a.lists[key], value) {
			a.lists[key] = append(a.lists[key], value)
		}
	}
	if len(values) == 0 {
		return "nothing: it is empty"
	}
	return key
}

// set sets a key to a string, and returns the line.
func (a *converter) set(key, value string) string {
	a.scalars[key] = settings.Quote(value)
	return key + " = " + settings.Quote(value)
}

func (a *converter) file() string {
	var b strings.Builder
	b.WriteString(settings.SchemaLine + "\n# Converted from the settings of air. hotstart init writes a file with every setting explained.\n\n")
	for _, name := range []string{"package", "args", "port", "build-flags", "before", "on-stop", "env-file", "watch", "restart", "ignore", "poll",
		"browser", "ready-timeout", "stop-signal", "stop-timeout", "clear", "color"} {
		switch value, ok := a.scalars[name]; {
		case ok:
			fmt.Fprintf(&b, "%s = %s\n", name, value)
		case len(a.lists[name]) > 0:
			fmt.Fprintf(&b, "%s = %s\n", name, settings.QuoteList(a.lists[name]))
		}
	}
	for _, table := range a.tables {
		b.WriteString("\n" + table)
	}
	return b.String()
}

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

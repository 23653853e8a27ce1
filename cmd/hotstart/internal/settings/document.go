package settings

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/pflag"
)

// A Document is a file of settings, read but not yet understood.
type Document struct {
	name    string // as errors show it
	entries map[string]entry
	order   []string
	lines   []string
}

// entry is one key of a document.
type entry struct {
	value        any // as toml decodes into an empty interface
	line, column int // of the value
}

// Parse reads a document. The error is an *Error that begins with name.
func Parse(name, text string) (*Document, error) {
	d := &Document{name: name, entries: map[string]entry{}, lines: strings.Split(text, "\n")}
	var values map[string]toml.Primitive
	meta, err := toml.Decode(text, &values)
	var broken toml.ParseError
	if errors.As(err, &broken) {
		return nil, d.wrong(broken.Position.Line, broken.Position.Col, "%s", broken.Message)
	}
	if err != nil {
		return nil, &Error{name, err.Error()}
	}
	for _, key := range meta.Keys() {
		if _, known := d.entries[key[0]]; known {
			continue
		}
		d.order = append(d.order, key[0])
		d.entries[key[0]] = locate(&meta, values[key[0]])
	}
	return d, nil
}

// locate finds out where a value stands: that is only told with an error.
func locate(meta *toml.MetaData, p toml.Primitive) (e entry) {
	var found toml.ParseError
	if err := meta.PrimitiveDecode(p, &refuser{&e.value}); errors.As(err, &found) {
		e.line, e.column = found.Position.Line, found.Position.Col
	}
	return e
}

// refuser takes any value and has it located.
type refuser struct{ value *any }

func (r *refuser) UnmarshalTOML(value any) error {
	*r.value = value
	return errors.New("here")
}

func (d *Document) wrong(line, column int, format string, args ...any) error {
	place := fmt.Sprintf("%s:%d", d.name, line)
	if column > 0 {
		place += fmt.Sprintf(":%d", column)
	}
	return &Error{place, fmt.Sprintf(format, args...)}
}

// entry is what the document says of a key. A nil document says nothing.
func (d *Document) entry(key string) (e entry, ok bool) {
	if d != nil {
		e, ok = d.entries[key]
	}
	return e, ok
}

// check refuses keys that no flag has.
func (d *Document) check(flags *pflag.FlagSet) error {
	if d == nil {
		return nil
	}
	var known []string
	flags.VisitAll(func(f *pflag.Flag) {
		if IsKey(f) {
			known = append(known, f.Name)
		}
	})
	for _, key := range d.order {
		e := d.entries[key]
		switch {
		case slices.Contains(known, key):
		case flags.Lookup(key) != nil:
			return d.wrong(e.line, 0, "%s can't be set in a file; it is a flag, and %s", key, Variable(key))
		default:
			return d.wrong(e.line, 0, "unknown key %q%s", key, meant(key, known, ""))
		}
	}
	return nil
}

// fill gives a flag the value of an entry.
func (d *Document) fill(f *pflag.Flag, e entry) error {
	list, ok := f.Value.(pflag.SliceValue)
	if !ok {
		text, err := scalar(f, e.value)
		if err == nil {
			err = f.Value.Set(text)
		}
		if err != nil {
			return d.wrong(e.line, e.column, "%s: %v", f.Name, err)
		}
		return nil
	}
	if err := list.Replace(nil); err != nil {
		return d.wrong(e.line, e.column, "%s: %v", f.Name, err)
	}
	tables, _ := f.Value.(Tables)
	for i, element := range elements(e.value) {
		if err := d.add(f, e, i, list, tables, element); err != nil {
			return err
		}
	}
	return nil
}

// elements are those of a list; a single value is a list of one.
func elements(value any) []any {
	switch v := value.(type) {
	case []any:
		return v
	case []map[string]any:
		var all []any
		for _, table := range v {
			all = append(all, table)
		}
		return all
	}
	return []any{value}
}

// add appends one element to a list.
func (d *Document) add(f *pflag.Flag, e entry, i int, list pflag.SliceValue, tables Tables, element any) error {
	if table, ok := element.(map[string]any); ok && tables != nil {
		checked, key, err := checkTable(tables.Fields(), table)
		if err == nil {
			err = tables.AppendTable(checked)
		}
		if err != nil {
			return d.wrong(d.lineOf(f.Name, i, key, e.line), 0, "%s: %v", f.Name, err)
		}
		return nil
	}
	text, err := listText(f, element)
	if err == nil {
		err = list.Append(text)
	}
	if err != nil {
		return d.wrong(e.line, e.column, "%s: %v", f.Name, err)
	}
	return nil
}

// lineOf finds the line of a key in the i-th table of an array: toml tells
// only that of the last one. Where it can't be found, it is otherwise.
func (d *Document) lineOf(array string, i int, key string, otherwise int) int {
	header := regexp.MustCompile(`^\s*\[\[\s*` + regexp.QuoteMeta(array) + `\s*\]\]`)
	line := regexp.MustCompile(`^\s*"?` + regexp.QuoteMeta(key) + `"?\s*=`)
	for at, text := range d.lines {
		switch {
		case header.MatchString(text):
			if i--; i == -1 {
				otherwise = at + 1
			}
		case i == -1 && key != "" && line.MatchString(text):
			return at + 1
		}
	}
	return otherwise
}

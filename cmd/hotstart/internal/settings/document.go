package settings

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// A Document is a parsed hotstart.toml, whose keys are not checked yet. The zero
// value has no keys.
type Document struct {
	name    string // name of the file in errors
	entries map[string]entry
	order   []string
	lines   []string
}

// entry is one key of a document.
type entry struct {
	value        any // as package toml decodes into an empty interface
	line, column int // of the value, from 1; 0: unknown
}

// Parse parses a hotstart.toml. An error is an *Error whose place begins with name.
func Parse(name, text string) (Document, error) {
	d := Document{name: name, entries: map[string]entry{}, lines: strings.Split(text, "\n")}
	var values map[string]toml.Primitive
	meta, err := toml.Decode(text, &values)
	var broken toml.ParseError
	if errors.As(err, &broken) {
		return d, d.wrong(broken.Position.Line, broken.Position.Col, "%s", broken.Message)
	}
	if err != nil {
		return d, &Error{name, err}
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

// locate returns a value with its position, which package toml only has in an
// error.
func locate(meta *toml.MetaData, p toml.Primitive) (e entry) {
	var found toml.ParseError
	if err := meta.PrimitiveDecode(p, &positionProbe{&e.value}); errors.As(err, &found) {
		e.line, e.column = found.Position.Line, found.Position.Col
	}
	return e
}

// positionProbe accepts any value and fails, because the error has the position.
type positionProbe struct{ value *any }

func (r *positionProbe) UnmarshalTOML(value any) error {
	*r.value = value
	return errors.New("here")
}

func (d Document) wrong(line, column int, format string, args ...any) error {
	place := fmt.Sprintf("%s:%d", d.name, line)
	if column > 0 {
		place += fmt.Sprintf(":%d", column)
	}
	return &Error{place, fmt.Errorf(format, args...)}
}

func (d Document) check(s *Set) error {
	var known []string
	for _, set := range s.all {
		if !set.FlagOnly {
			known = append(known, set.Name)
		}
	}
	for _, key := range d.order {
		e := d.entries[key]
		switch {
		case slices.Contains(known, key):
		case s.lookup(key) != nil:
			return d.wrong(e.line, 0, "%s can't be set in a file; it is a flag, and %s", key, variable(key))
		default:
			return d.wrong(e.line, 0, "unknown key %q%s", key, suggestion(key, known, ""))
		}
	}
	return nil
}

func (d Document) fill(s *setting, e entry) error {
	if list, ok := s.Value.(listValue); ok {
		return d.fillList(s.Name, list, e)
	}
	text, err := s.scalarText(e.value)
	if err == nil {
		err = s.Value.Set(text)
	}
	if err != nil {
		return d.wrong(e.line, e.column, "%w", Phrase(s.Name, text, err))
	}
	return nil
}

func (d Document) fillList(name string, list listValue, e entry) error {
	if err := list.Replace(nil); err != nil {
		panic(err) // nothing is parsed
	}
	for i, element := range elements(e.value) {
		if table, ok := element.(map[string]any); ok && list.tableFields() != nil {
			key, err := appendTable(list, table)
			if err != nil {
				return d.wrong(d.lineOf(name, i, key, e.line), 0, "%s: %w", name, err)
			}
			continue
		}
		text, err := elementText(element)
		if err == nil {
			err = list.Append(text)
		}
		if err != nil {
			return d.wrong(e.line, e.column, "%w", Phrase(name, text, err))
		}
	}
	return nil
}

// elements returns the elements of a list; a single value is a list of one.
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

// lineOf returns the line of a key in the i-th table of an array, because package
// toml only has the line of the last table; or otherwise, if it is not found.
func (d Document) lineOf(array string, i int, key string, otherwise int) int {
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

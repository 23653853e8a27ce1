package settings

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Tables is the value of a flag whose elements can be tables of a file, too.
type Tables interface {
	pflag.SliceValue
	Fields() []Field

	// AppendTable takes a table that has no other keys than those of Fields,
	// each with a string, a bool or a []string, as its field says.
	AppendTable(table map[string]any) error
}

// A Field is a key of a table.
type Field struct {
	Name     string
	Usage    string
	Type     FieldType
	Required bool
}

// FieldType is what a field holds.
type FieldType string

const (
	Text    FieldType = "string"
	List    FieldType = "list"
	Boolean FieldType = "bool"
)

// checkTable returns a table as AppendTable takes it. It names the key that
// is wrong, if it is one.
func checkTable(fields []Field, table map[string]any) (checked map[string]any, key string, err error) {
	var known []string
	checked = map[string]any{}
	for _, f := range fields {
		known = append(known, f.Name)
		value, ok := table[f.Name]
		if !ok && f.Required {
			return nil, "", fmt.Errorf("%s is missing", f.Name)
		}
		if !ok {
			continue
		}
		if checked[f.Name], err = f.read(value); err != nil {
			return nil, f.Name, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if !slices.Contains(known, name) {
			return nil, name, fmt.Errorf("unknown key %q%s", name, meant(name, known, ""))
		}
	}
	return checked, "", nil
}

func (f Field) read(value any) (any, error) {
	if f.Type != List {
		if fmt.Sprintf("%T", value) != string(f.Type) {
			return nil, fmt.Errorf("%s takes %s, not %s", f.Name, f.Type.noun(), noun(value))
		}
		return value, nil
	}
	var texts []string
	for _, element := range elements(value) {
		text, ok := element.(string)
		if !ok {
			return nil, fmt.Errorf("%s takes a list of strings, not %s", f.Name, noun(element))
		}
		texts = append(texts, text)
	}
	return texts, nil
}

func (t FieldType) noun() string {
	return map[FieldType]string{Text: "a string", Boolean: "true or false"}[t]
}

// scalar is the text that Set takes for a value that is no list.
func scalar(f *pflag.Flag, value any) (string, error) {
	text, ok := value.(string)
	switch t := typeOf(f); {
	case t == typeBool:
		if _, ok := value.(bool); ok {
			return fmt.Sprint(value), nil
		}
		return "", fmt.Errorf("want true or false, not %s", noun(value))
	case t == typeNumber:
		if _, ok := value.(int64); ok {
			return fmt.Sprint(value), nil
		}
		return "", fmt.Errorf("want a number, not %s", noun(value))
	case value == true && f.NoOptDefVal != "":
		return f.NoOptDefVal, nil // as the flag without a value
	case value == false && f.NoOptDefVal != "":
		return f.DefValue, nil
	case t == typeDuration && !ok:
		return "", fmt.Errorf(`want a duration such as "500ms" or "10s", not %s`, noun(value))
	case !ok:
		return "", fmt.Errorf("want a string, not %s", noun(value))
	}
	return text, nil
}

// listText is the text that Append takes for an element of a list.
func listText(f *pflag.Flag, element any) (string, error) {
	switch v := element.(type) {
	case string:
		return v, nil
	case int64: // as a port is
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("want a list of strings, not %s", noun(element))
}

// Types of values that are no lists.
const (
	typeBool     = "bool"
	typeNumber   = "int"
	typeDuration = "duration"
	typeText     = "string"
)

func typeOf(f *pflag.Flag) string {
	switch t := f.Value.Type(); {
	case strings.HasPrefix(t, "int"), strings.HasPrefix(t, "uint"), t == "count":
		return typeNumber
	case t == typeBool, t == typeDuration:
		return t
	}
	return typeText
}

// noun names a value of a file.
func noun(value any) string {
	switch v := value.(type) {
	case string:
		return "the string " + quote(v)
	case bool, int64, float64:
		return fmt.Sprint(v)
	case []any:
		return "a list"
	case map[string]any, []map[string]any:
		return "a table"
	}
	return fmt.Sprintf("the time %v", value)
}

package settings

import (
	"fmt"
	"maps"
	"slices"
)

// scalarText returns the text that Set takes for a value of the file.
func (s *setting) scalarText(value any) (string, error) {
	text, isString := value.(string)
	switch kind := s.Value.kind(); {
	case kind == boolKind:
		if _, ok := value.(bool); ok {
			return fmt.Sprint(value), nil
		}
		return "", fmt.Errorf("want true or false, not %s", noun(value))
	case value == true && s.Alone != "":
		return s.Alone, nil
	case value == false && s.Alone != "":
		return s.flag.DefValue, nil
	case isString:
		return text, nil
	case kind == durationKind:
		return "", fmt.Errorf(`want a duration such as "500ms" or "10s", not %s`, noun(value))
	}
	return "", fmt.Errorf("want a string, not %s", noun(value))
}

// elementText returns the text that Append takes for an element of a list.
func elementText(element any) (string, error) {
	switch v := element.(type) {
	case string:
		return v, nil
	case int64: // for example a port
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("want a list of strings, not %s", noun(element))
}

func noun(value any) string {
	switch v := value.(type) {
	case string:
		return "the string " + Quote(v)
	case bool, int64, float64:
		return fmt.Sprint(v)
	case []any:
		return "a list"
	case map[string]any, []map[string]any:
		return "a table"
	}
	return fmt.Sprintf("the time %v", value)
}

// A Field is a key of a table that is an element of a list.
type Field struct {
	Name     string
	Usage    string
	Type     FieldType
	Required bool
}

// FieldType is the type of the value of a Field.
type FieldType string

const (
	Text     FieldType = "string"
	TextList FieldType = "list"
	Boolean  FieldType = "bool"
)

// appendTable checks a table and appends it to a list. key is the key that an
// error is about; empty: it is about the table.
func appendTable(list listValue, table map[string]any) (key string, err error) {
	var known []string
	checked := map[string]any{}
	for _, f := range list.tableFields() {
		known = append(known, f.Name)
		value, ok := table[f.Name]
		if !ok && f.Required {
			return "", fmt.Errorf("%s is missing", f.Name)
		}
		if !ok {
			continue
		}
		if checked[f.Name], err = f.read(value); err != nil {
			return f.Name, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if !slices.Contains(known, name) {
			return name, fmt.Errorf("unknown key %q%s", name, suggestion(name, known, ""))
		}
	}
	return "", list.appendTable(checked)
}

// read returns a string, a bool or a []string.
func (f Field) read(value any) (any, error) {
	if f.Type != TextList {
		if fmt.Sprintf("%T", value) != string(f.Type) {
			want := map[FieldType]string{Text: "a string", Boolean: "true or false"}[f.Type]
			return nil, fmt.Errorf("%s takes %s, not %s", f.Name, want, noun(value))
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

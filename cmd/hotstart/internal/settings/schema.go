package settings

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/spf13/pflag"
)

// Schema is the JSON schema of a file, for editors.
func Schema(flags *pflag.FlagSet) string {
	properties := map[string]any{}
	flags.VisitAll(func(f *pflag.Flag) {
		if IsKey(f) {
			properties[f.Name] = property(f)
		}
	})
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(map[string]any{
		"$schema":              "http://json-schema.org/draft-07/schema#",
		"$id":                  SchemaURL,
		"title":                "hotstart.toml",
		"type":                 "object",
		"properties":           properties,
		"additionalProperties": false,
	})
	if err != nil {
		panic(err) // it is made of maps and strings
	}
	return b.String()
}

func property(f *pflag.Flag) map[string]any {
	p := map[string]any{"description": strings.ReplaceAll(usage(f), "\n", " ")}
	if list, ok := f.Value.(pflag.SliceValue); ok {
		p["anyOf"] = listTypes(list)
		return p
	}
	switch typeOf(f) {
	case typeBool:
		p["type"], p["default"] = "boolean", f.DefValue == "true"
	case typeNumber:
		p["type"], p["default"] = "integer", json.Number(f.DefValue)
	case typeDuration:
		p["type"], p["default"] = "string", f.DefValue
		p["pattern"] = `^(0|([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+)$`
	default:
		p["type"], p["default"] = "string", f.DefValue
		if f.NoOptDefVal != "" {
			p["type"] = []string{"string", "boolean"}
		}
	}
	return p
}

// listTypes are those of a list, or of its one element.
func listTypes(list pflag.SliceValue) []any {
	element := map[string]any{"type": []string{"string", "integer"}}
	if tables, ok := list.(Tables); ok {
		element = map[string]any{"anyOf": []any{element, tableType(tables)}}
	}
	return []any{element, map[string]any{"type": "array", "items": element}}
}

func tableType(tables Tables) map[string]any {
	properties := map[string]any{}
	var required []string
	for _, f := range tables.Fields() {
		p := map[string]any{"description": f.Usage}
		switch f.Type {
		case Text:
			p["type"] = "string"
		case Boolean:
			p["type"] = "boolean"
		case List:
			p["anyOf"] = []any{
				map[string]any{"type": "string"},
				map[string]any{"type": "array", "items": map[string]any{"type": "string"}},
			}
		}
		properties[f.Name] = p
		if f.Required {
			required = append(required, f.Name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

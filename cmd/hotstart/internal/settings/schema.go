package settings

import (
	"bytes"
	"encoding/json"
)

// Schema returns the JSON schema of hotstart.toml, for editors.
func (s *Set) Schema() string {
	properties := map[string]any{}
	for _, set := range s.all {
		if !set.FlagOnly {
			properties[set.Name] = set.property()
		}
	}
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

func (s *setting) property() map[string]any {
	p := map[string]any{"description": s.description()}
	switch s.Value.kind() {
	case listKind:
		p["anyOf"] = listTypes(s.Value.(listValue).tableFields())
	case boolKind:
		p["type"], p["default"] = "boolean", s.flag.DefValue == "true"
	case durationKind:
		p["type"], p["default"] = "string", s.flag.DefValue
		p["pattern"] = `^(0|([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+)$`
	default:
		p["type"], p["default"] = "string", s.flag.DefValue
		if s.Alone != "" {
			p["type"] = []string{"string", "boolean"}
		}
	}
	return p
}

// listTypes returns the types of a list and of its only element.
func listTypes(fields []Field) []any {
	element := map[string]any{"type": []string{"string", "integer"}}
	if fields != nil {
		element = map[string]any{"anyOf": []any{element, tableType(fields)}}
	}
	return []any{element, map[string]any{"type": "array", "items": element}}
}

func tableType(fields []Field) map[string]any {
	properties := map[string]any{}
	var required []string
	for _, f := range fields {
		p := map[string]any{"description": f.Usage}
		switch f.Type {
		case Text:
			p["type"] = "string"
		case Boolean:
			p["type"] = "boolean"
		case TextList:
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

package settings

import (
	"strings"
	"unicode"

	"github.com/BurntSushi/toml"
)

// Quote returns a string as a literal of TOML, in single quotes if that avoids escapes.
func Quote(s string) string {
	if strings.ContainsAny(s, `"\`) && !strings.Contains(s, "'") && !strings.ContainsFunc(s, isHidden) {
		return "'" + s + "'"
	}
	b, err := toml.Marshal(map[string]string{"v": s})
	if err != nil {
		panic(err) // only a string is marshaled
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(b), "v = "), "\n")
}

// isHidden reports whether r is a control or a format character, such as a
// change of the direction of writing. term.Clean may escape it.
func isHidden(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }

func (s *setting) literal() string {
	switch text := s.Value.String(); s.Value.kind() {
	case listKind:
		return QuoteList(s.texts())
	case boolKind:
		return text
	default:
		return Quote(text)
	}
}

// QuoteList returns a list of strings as a literal of TOML.
func QuoteList(texts []string) string {
	var all []string
	for _, text := range texts {
		all = append(all, Quote(text))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func (s *setting) jsonValue() any {
	switch text := s.Value.String(); s.Value.kind() {
	case listKind:
		return s.texts()
	case boolKind:
		return text == "true"
	default:
		return text
	}
}

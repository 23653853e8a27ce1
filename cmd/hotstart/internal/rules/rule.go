// Package rules runs a user's commands when files change: the grammar of a
// rule, the engine that decides which rule runs next, and the execution of
// one command.
package rules

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

// Rule is a command that runs when files change, before the build that the
// change leads to.
type Rule struct {
	Name     string   // name shown to the user; "": the command
	Match    []string // file patterns, at least one
	Ignore   []string // patterns of files that are excluded from Match
	Run      string   // command for /bin/sh
	OnChange bool     // do not run the rule when hotstart starts
}

// onChangeWord is the word among the patterns that sets OnChange.
const onChangeWord = "+onchange"

var namePrefix = regexp.MustCompile(`^\s*([\w.-]+)\s*=`)

// Parse reads "[name=]pattern[, pattern...]: command". A pattern after a !
// excludes files. A backslash escapes a colon or a comma in a pattern.
func Parse(text string) (Rule, error) {
	var r Rule
	colon := indexUnquoted(text, ":")
	if colon < 0 {
		return r, errors.New("rule has no colon between its patterns and its command")
	}
	patterns := text[:colon]
	if found := namePrefix.FindStringSubmatch(patterns); found != nil {
		r.Name, patterns = found[1], patterns[len(found[0]):]
	}
	for _, p := range SplitPatterns(patterns) {
		excluded, negated := strings.CutPrefix(p, "!")
		switch {
		case p == onChangeWord:
			r.OnChange = true
		case negated:
			r.Ignore = append(r.Ignore, excluded)
		default:
			r.Match = append(r.Match, p)
		}
	}
	r.Run = strings.TrimSpace(text[colon+1:])
	return r, r.check()
}

func (r Rule) check() error {
	if len(r.Match) == 0 {
		return errors.New("rule has no file pattern")
	}
	for _, p := range slices.Concat(r.Match, r.Ignore) {
		if !doublestar.ValidatePattern(p) {
			return fmt.Errorf("invalid pattern %q", p)
		}
	}
	if r.Run == "" {
		return errors.New("rule has no command")
	}
	return nil
}

// Title returns the name of the rule, or else the beginning of its command.
func (r Rule) Title() string {
	if r.Name != "" {
		return r.Name
	}
	const maxLength = 40
	line, _, more := strings.Cut(r.Run, "\n")
	if short := []rune(line); len(short) > maxLength {
		line, more = strings.TrimSpace(string(short[:maxLength])), true
	}
	if more {
		line += "..."
	}
	return line
}

// String returns the rule in the syntax of Parse.
func (r Rule) String() string {
	var words []string
	for _, p := range r.Match {
		words = append(words, quotePattern(p))
	}
	for _, p := range r.Ignore {
		words = append(words, "!"+quotePattern(p))
	}
	if r.OnChange {
		words = append(words, onChangeWord)
	}
	text := strings.Join(words, ", ") + ": " + r.Run
	if r.Name != "" {
		text = r.Name + "=" + text
	}
	return text
}

// SplitPatterns splits a list of patterns at its commas, except at those
// between braces.
func SplitPatterns(text string) []string {
	var patterns []string
	for text != "" {
		pattern, rest := text, ""
		if comma := indexUnquoted(text, ","); comma >= 0 {
			pattern, rest = text[:comma], text[comma+1:]
		}
		if pattern = strings.TrimSpace(pattern); pattern != "" {
			patterns = append(patterns, pattern)
		}
		text = rest
	}
	return patterns
}

// indexUnquoted returns the index of the first of signs that is neither
// escaped by a backslash nor between braces, or -1.
func indexUnquoted(text, signs string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '{':
			depth++
		case c == '}':
			depth--
		case depth <= 0 && strings.IndexByte(signs, c) >= 0:
			return i
		}
	}
	return -1
}

func quotePattern(p string) string {
	at := indexUnquoted(p, ":,=")
	if at < 0 {
		return p
	}
	return p[:at] + `\` + p[at:at+1] + quotePattern(p[at+1:])
}

// Value returns the value of the repeatable flag --rule, which fills to.
func Value(to *[]Rule) settings.Value {
	return settings.Tables(to, parseFlag, []settings.Field{
		{Name: "match", Type: settings.TextList, Required: true, Usage: "patterns of the files that the rule is for"},
		{Name: "ignore", Type: settings.TextList, Usage: "patterns of files that are excluded"},
		{Name: "run", Type: settings.Text, Required: true, Usage: "command, run by /bin/sh"},
		{Name: "name", Type: settings.Text, Usage: "name of the rule; default: the command"},
		{Name: "on-change", Type: settings.Boolean, Usage: "do not run the rule when hotstart starts"},
	}, fromTable)
}

// parseFlag is Parse with an example in its error.
func parseFlag(text string) (Rule, error) {
	r, err := Parse(text)
	if err != nil {
		err = fmt.Errorf("%w; example: '**/*.templ: templ generate'", err)
	}
	return r, err
}

// fromTable reads a rule that is a table of hotstart.toml.
func fromTable(table map[string]any) (r Rule, err error) {
	r.Match, _ = table["match"].([]string)
	r.Ignore, _ = table["ignore"].([]string)
	r.Run, _ = table["run"].(string)
	r.Name, _ = table["name"].(string)
	r.OnChange, _ = table["on-change"].(bool)
	return r, r.check()
}

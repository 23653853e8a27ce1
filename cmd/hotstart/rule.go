package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

// A rule is a command that is run when files change, before the build that
// they lead to.
type rule struct {
	name     string   // what the user is told of; "": run
	match    []string // patterns of the files that it is for, at least one
	ignore   []string // patterns of those among them that it is not for
	run      string   // for /bin/sh
	onChange bool     // not when hotstart starts, too
}

// onChangeWord stands among the patterns of a rule that waits for a change.
const onChangeWord = "+onchange"

var ruleName = regexp.MustCompile(`^\s*([\w.-]+)\s*=`)

// parseRule reads "[name=]pattern[, pattern...]: command". A pattern behind
// a ! is of files that the rule is not for. A colon or a comma in the name of
// a file has a backslash before it.
func parseRule(text string) (rule, error) {
	var r rule
	colon := indexUnquoted(text, ":")
	if colon < 0 {
		return r, errors.New("rule has no colon between its patterns and its command")
	}
	patterns := text[:colon]
	if found := ruleName.FindStringSubmatch(patterns); found != nil {
		r.name, patterns = found[1], patterns[len(found[0]):]
	}
	for _, p := range splitPatterns(patterns) {
		except, negated := strings.CutPrefix(p, "!")
		switch {
		case p == onChangeWord:
			r.onChange = true
		case negated:
			r.ignore = append(r.ignore, except)
		default:
			r.match = append(r.match, p)
		}
	}
	r.run = strings.TrimSpace(text[colon+1:])
	return r, r.check()
}

// check reports what a rule lacks.
func (r rule) check() error {
	if len(r.match) == 0 {
		return errors.New("rule has no file pattern")
	}
	for _, p := range slices.Concat(r.match, r.ignore) {
		if !doublestar.ValidatePattern(p) {
			return fmt.Errorf("invalid pattern %q", p)
		}
	}
	if r.run == "" {
		return errors.New("rule has no command")
	}
	return nil
}

// title is what the user is told of the rule.
func (r rule) title() string {
	if r.name != "" {
		return r.name
	}
	const enough = 40
	line, _, more := strings.Cut(r.run, "\n")
	if short := []rune(line); len(short) > enough {
		line, more = strings.TrimSpace(string(short[:enough])), true
	}
	if more {
		line += "..."
	}
	return line
}

// String is the rule as parseRule reads it.
func (r rule) String() string {
	var words []string
	for _, p := range r.match {
		words = append(words, quotePattern(p))
	}
	for _, p := range r.ignore {
		words = append(words, "!"+quotePattern(p))
	}
	if r.onChange {
		words = append(words, onChangeWord)
	}
	text := strings.Join(words, ", ") + ": " + r.run
	if r.name != "" {
		text = r.name + "=" + text
	}
	return text
}

// splitPatterns splits at commas, but not between braces.
func splitPatterns(text string) []string {
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

// indexUnquoted finds the first of signs that is neither behind a backslash
// nor between braces.
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

// quotePattern puts a backslash before what would end a pattern.
func quotePattern(p string) string {
	at := indexUnquoted(p, ":,=")
	if at < 0 {
		return p
	}
	return p[:at] + `\` + p[at:at+1] + quotePattern(p[at+1:])
}

// ruleFlag is the value of --rule, which may be given more than once.
type ruleFlag struct{ rules *[]rule }

// String is what --help shows of the default: nothing.
func (f ruleFlag) String() string {
	if f.rules == nil {
		return ""
	}
	return strings.Join(f.GetSlice(), "\n")
}

// Type is the name of such a value.
func (f ruleFlag) Type() string { return "rule" }

// Set adds a rule.
func (f ruleFlag) Set(text string) error {
	r, err := parseRule(text)
	if err != nil {
		return fmt.Errorf("%w; example: '**/*.templ: templ generate'", err)
	}
	*f.rules = append(*f.rules, r)
	return nil
}

// Append is Set; with Replace and GetSlice it makes a pflag.SliceValue.
func (f ruleFlag) Append(text string) error { return f.Set(text) }

// Replace has these rules in place of all that there were.
func (f ruleFlag) Replace(texts []string) error {
	*f.rules = nil
	for _, text := range texts {
		if err := f.Set(text); err != nil {
			return err
		}
	}
	return nil
}

// GetSlice returns every rule as Set takes it.
func (f ruleFlag) GetSlice() []string {
	var texts []string
	for _, r := range *f.rules {
		texts = append(texts, r.String())
	}
	return texts
}

// Fields are what a rule consists of that is a table of hotstart.toml.
func (f ruleFlag) Fields() []settings.Field {
	return []settings.Field{
		{Name: "match", Type: settings.List, Required: true, Usage: "patterns of the files that the rule is for"},
		{Name: "ignore", Type: settings.List, Usage: "patterns of files that are excluded"},
		{Name: "run", Type: settings.Text, Required: true, Usage: "command, run by /bin/sh"},
		{Name: "name", Type: settings.Text, Usage: "name of the rule; default: the command"},
		{Name: "on-change", Type: settings.Boolean, Usage: "do not run the rule when hotstart starts"},
	}
}

// AppendTable adds a rule that is a table.
func (f ruleFlag) AppendTable(table map[string]any) error {
	var r rule
	r.match, _ = table["match"].([]string)
	r.ignore, _ = table["ignore"].([]string)
	r.run, _ = table["run"].(string)
	r.name, _ = table["name"].(string)
	r.onChange, _ = table["on-change"].(bool)
	if err := r.check(); err != nil {
		return err
	}
	*f.rules = append(*f.rules, r)
	return nil
}

package rules

import (
	"fmt"
	"strings"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

// Flag is the value of --rule, a repeatable flag. It implements pflag.Value
// and pflag.SliceValue.
type Flag struct{ Rules *[]Rule }

// String returns the default that --help shows: none.
func (f Flag) String() string {
	if f.Rules == nil {
		return ""
	}
	return strings.Join(f.GetSlice(), "\n")
}

// Type returns the name of the value in --help.
func (f Flag) Type() string { return "rule" }

// Set adds a rule.
func (f Flag) Set(text string) error {
	r, err := Parse(text)
	if err != nil {
		return fmt.Errorf("%w; example: '**/*.templ: templ generate'", err)
	}
	*f.Rules = append(*f.Rules, r)
	return nil
}

// Append is Set.
func (f Flag) Append(text string) error { return f.Set(text) }

// Replace replaces all rules.
func (f Flag) Replace(texts []string) error {
	*f.Rules = nil
	for _, text := range texts {
		if err := f.Set(text); err != nil {
			return err
		}
	}
	return nil
}

// GetSlice returns every rule in the syntax of Set.
func (f Flag) GetSlice() []string {
	var texts []string
	for _, r := range *f.Rules {
		texts = append(texts, r.String())
	}
	return texts
}

// Fields returns the keys of a rule that is a table of hotstart.toml.
func (f Flag) Fields() []settings.Field {
	return []settings.Field{
		{Name: "match", Type: settings.List, Required: true, Usage: "patterns of the files that the rule is for"},
		{Name: "ignore", Type: settings.List, Usage: "patterns of files that are excluded"},
		{Name: "run", Type: settings.Text, Required: true, Usage: "command, run by /bin/sh"},
		{Name: "name", Type: settings.Text, Usage: "name of the rule; default: the command"},
		{Name: "on-change", Type: settings.Boolean, Usage: "do not run the rule when hotstart starts"},
	}
}

// AppendTable adds a rule that is a table of hotstart.toml.
func (f Flag) AppendTable(table map[string]any) error {
	var r Rule
	r.Match, _ = table["match"].([]string)
	r.Ignore, _ = table["ignore"].([]string)
	r.Run, _ = table["run"].(string)
	r.Name, _ = table["name"].(string)
	r.OnChange, _ = table["on-change"].(bool)
	if err := r.check(); err != nil {
		return err
	}
	*f.Rules = append(*f.Rules, r)
	return nil
}

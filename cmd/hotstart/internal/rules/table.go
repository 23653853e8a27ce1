package rules

import (
	"fmt"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

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

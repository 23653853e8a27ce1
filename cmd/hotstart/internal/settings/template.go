package settings

import (
	"fmt"
	"strings"
)

// SchemaURL is the address of the JSON schema, for editors.
const SchemaURL = "https://raw.githubusercontent.com/hotstart/hotstart/main/docs/hotstart.schema.json"

// SchemaLine is the first line of a hotstart.toml: editors with taplo read it.
const SchemaLine = "#:schema " + SchemaURL + "\n"

// Template returns a hotstart.toml in which every setting is explained and
// commented out.
func (s *Set) Template() string {
	var b strings.Builder
	b.WriteString(SchemaLine + "\n" +
		"# Settings of hotstart watch. Each setting is also a flag. The flag overrides the\n" +
		"# environment variable HOTSTART_NAME, which overrides this file. The values below are\n" +
		"# the defaults; remove the # to change one. Paths, patterns and commands are relative\n" +
		"# to this folder.\n")
	for _, g := range s.groups {
		title := fmt.Sprintf("\n# --- %s ---\n", g.title)
		for _, set := range g.settings {
			if !set.FlagOnly {
				b.WriteString(title)
				title = ""
				set.explain(&b)
			}
		}
	}
	return b.String()
}

func (s *setting) explain(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s#%s = %s\n", comment(s.description()), s.Name, s.literal())
	list, ok := s.Value.(listValue)
	if !ok || list.tableFields() == nil {
		return
	}
	fmt.Fprintf(b, "#\n# or one table per element, at the end of this file:\n# [[%s]]\n", s.Name)
	for _, field := range list.tableFields() {
		empty := map[FieldType]string{Text: `""`, TextList: "[]", Boolean: "false"}[field.Type]
		fmt.Fprintf(b, "# %s = %s  # %s\n", field.Name, empty, field.Usage)
	}
}

func comment(text string) string {
	const width = 88
	var b strings.Builder
	line := "#"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}

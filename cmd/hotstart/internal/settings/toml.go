package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// quote writes a string as TOML reads it.
func quote(s string) string {
	if strings.ContainsAny(s, `"\`) && !strings.ContainsAny(s, "'\n\r\t") && plain(s) {
		return "'" + s + "'"
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b) // every string of JSON is one of TOML
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // it is a string
	}
	return strings.ReplaceAll(strings.TrimSpace(b.String()), "\x7f", `\u007f`)
}

func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// Literal is the value of a flag as a file has it.
func Literal(f *pflag.Flag) string {
	if _, ok := f.Value.(pflag.SliceValue); ok {
		return listLiteral(Texts(f))
	}
	return literal(f, f.Value.String())
}

func literal(f *pflag.Flag, text string) string {
	if t := typeOf(f); t == typeBool || t == typeNumber {
		return text
	}
	return quote(text)
}

func listLiteral(texts []string) string {
	var all []string
	for _, text := range texts {
		all = append(all, quote(text))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// A Group is flags that belong together.
type Group struct {
	Title string
	Flags *pflag.FlagSet
}

// SchemaURL is where editors find what a file may have in it.
const SchemaURL = "https://raw.githubusercontent.com/hotstart/hotstart/main/docs/hotstart.schema.json"

// top is the first line of a file: editors with taplo in them read it.
const top = "#:schema " + SchemaURL + "\n"

// Template is a file in which every setting is explained and none is set.
func Template(groups []Group) string {
	var b strings.Builder
	b.WriteString(top + "\n" +
		"# Settings of hotstart watch. Each setting is also a flag. The flag overrides the\n" +
		"# environment variable HOTSTART_NAME, which overrides this file. The values below are\n" +
		"# the defaults; remove the # to change one. Paths, patterns and commands are relative\n" +
		"# to this folder.\n")
	for _, g := range groups {
		title := fmt.Sprintf("\n# --- %s ---\n", g.Title)
		g.Flags.VisitAll(func(f *pflag.Flag) {
			if IsKey(f) {
				b.WriteString(title)
				title = ""
				explain(&b, f)
			}
		})
	}
	return b.String()
}

// usage is the usage text of a flag, without what only a command line needs,
// and with its choices.
func usage(f *pflag.Flag) string {
	_, usage := pflag.UnquoteUsage(f)
	usage = strings.TrimSuffix(strings.TrimSuffix(usage, "repeatable"), ";\n")
	usage = strings.TrimSuffix(usage, "; ")
	if choices := f.Value.Type(); strings.Contains(choices, "|") {
		usage += " (" + choices + ")"
	}
	return usage
}

func explain(b *strings.Builder, f *pflag.Flag) {
	fmt.Fprintf(b, "\n# %s\n#%s = %s\n", strings.ReplaceAll(usage(f), "\n", "\n# "), f.Name, Literal(f))
	tables, ok := f.Value.(Tables)
	if !ok {
		return
	}
	fmt.Fprintf(b, "#\n# or one table per element, at the end of this file:\n# [[%s]]\n", f.Name)
	for _, field := range tables.Fields() {
		empty := map[FieldType]string{Text: `""`, List: "[]", Boolean: "false"}[field.Type]
		fmt.Fprintf(b, "# %s = %s  # %s\n", field.Name, empty, field.Usage)
	}
}

// Value is that of a flag as JSON has it.
func Value(f *pflag.Flag) any {
	if _, ok := f.Value.(pflag.SliceValue); ok {
		return append([]string{}, Texts(f)...)
	}
	switch text := f.Value.String(); typeOf(f) {
	case typeBool:
		return text == "true"
	case typeNumber:
		return json.Number(text)
	default:
		return text
	}
}

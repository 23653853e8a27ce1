package settings

import (
	"encoding/json"
	"fmt"
	"io"
)

// Print writes each setting as a line of hotstart.toml, with its source.
func (l *Loader) Print(w io.Writer, set *Set, sources Sources) {
	fmt.Fprintf(w, "# %s\n", l.state())
	for _, line := range l.Warnings(set) {
		fmt.Fprintf(w, "# %s\n", line)
	}
	var lines [][2]string
	width := 0
	for _, s := range set.all {
		if !s.FlagOnly {
			line := s.Name + " = " + s.literal()
			lines = append(lines, [2]string{line, sources[s.Name].String()})
			width = max(width, min(len(line), 40))
		}
	}
	for _, line := range lines {
		fmt.Fprintf(w, "%-*s  # %s\n", width, line[0], line[1])
	}
}

func (l *Loader) state() string {
	switch {
	case l.Path == "" || l.Ignored != nil:
		return "no settings file is read"
	case !l.found:
		return FileName + " does not exist"
	}
	return l.Path
}

// PrintJSON writes each setting with its value and its source.
func (l *Loader) PrintJSON(w io.Writer, set *Set, sources Sources) error {
	type setting struct {
		Name   string `json:"name"`
		Value  any    `json:"value"`
		Source string `json:"source"`
		Place  string `json:"place,omitempty"`
	}
	shown := struct {
		File     string    `json:"file,omitempty"`
		Dir      string    `json:"dir"`
		Warnings []string  `json:"warnings,omitempty"`
		Settings []setting `json:"settings"`
	}{Dir: l.Dir, Warnings: l.Warnings(set)}
	if l.found {
		shown.File = l.Path
	}
	for _, s := range set.all {
		if !s.FlagOnly {
			source := sources[s.Name]
			shown.Settings = append(shown.Settings, setting{s.Name, s.jsonValue(), string(source.Kind), source.Place})
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(shown)
}

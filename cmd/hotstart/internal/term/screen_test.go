package term

import (
	"io"
	"strings"
	"testing"
)

// display makes of what was written what a person sees: it knows lines,
// carriage returns and the sequences of screen.
func display(written string) string {
	written = strings.NewReplacer(noWrap, "", wrap, "").Replace(written)
	lines := strings.Split(written, "\n")
	for i, line := range lines {
		if at := strings.LastIndex(line, eraseRow); at >= 0 {
			lines[i] = line[at+len(eraseRow):]
		}
	}
	return strings.Join(lines, "\n")
}

func TestScreen(t *testing.T) {
	hotstart := func(text string) func(*Screen) { return func(s *Screen) { io.WriteString(s, text) } }
	program := func(text string) func(*Screen) { return func(s *Screen) { s.writeProgram([]byte(text)) } }
	stay := func(text string) func(*Screen) { return func(s *Screen) { s.SetStatus(text) } }
	for _, test := range []struct {
		name  string
		steps []func(*Screen)
		want  string
	}{
		{"lines follow each other", []func(*Screen){hotstart("a\n"), program("b\n"), hotstart("c\n")}, "a\nb\nc\n"},
		{"a line of hotstart's begins on its own", []func(*Screen){program("name? "), hotstart("a\n"), program("b\n")}, "name? \na\nb\n"},
		{"the status is below", []func(*Screen){stay("S"), hotstart("a\n"), program("b\n")}, "a\nb\nS"},
		{"a new status replaces the old", []func(*Screen){hotstart("a\n"), stay("S"), stay("T")}, "a\nT"},
		{"a status that is over is gone", []func(*Screen){stay("S"), hotstart("a\n"), stay(""), program("b\n")}, "a\nb\n"},
		{"a line that is not complete is not broken by the status", []func(*Screen){stay("S"), program("x"), program("y"), stay("T"), program("z\n")}, "xyz\nT"},
		{"nor is what hotstart says put on it", []func(*Screen){stay("S"), program("x"), hotstart("a\n")}, "x\na\nS"},
		{"a status that comes during such a line waits", []func(*Screen){program("x"), stay("S"), program("y\n")}, "xy\nS"},
		{"and one that ends, too", []func(*Screen){stay("S"), program("x"), stay(""), program("y\n"), hotstart("a\n")}, "xy\na\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b strings.Builder
			s := &Screen{w: &b, terminal: true}
			for _, step := range test.steps {
				step(s)
			}
			if got := display(b.String()); got != test.want {
				t.Errorf("seen:\n%q\nwant:\n%q", got, test.want)
			}
		})
	}
}

func TestScreenWithoutATerminalGetsNoSequences(t *testing.T) {
	var b strings.Builder
	s := &Screen{w: &b}
	s.SetStatus("S")
	s.writeProgram([]byte("x"))
	io.WriteString(s, "a\n")
	s.Clear(true)
	s.Control("\a")
	if got := b.String(); got != "x\na\n" {
		t.Errorf("%q", got)
	}
}

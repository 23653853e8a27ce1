package term

import (
	"io"
	"strings"
	"testing"
)

// display returns what a terminal shows after everything was written. It knows lines,
// carriage returns and the sequences of Screen.
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
		{"a line of hotstart begins on a new line", []func(*Screen){program("name? "), hotstart("a\n"), program("b\n")}, "name? \na\nb\n"},
		{"the status is below", []func(*Screen){stay("S"), hotstart("a\n"), program("b\n")}, "a\nb\nS"},
		{"a new status replaces the old", []func(*Screen){hotstart("a\n"), stay("S"), stay("T")}, "a\nT"},
		{"a status that has ended is not shown", []func(*Screen){stay("S"), hotstart("a\n"), stay(""), program("b\n")}, "a\nb\n"},
		{"the status does not break an incomplete line", []func(*Screen){stay("S"), program("x"), program("y"), stay("T"), program("z\n")}, "xyz\nT"},
		{"a line of hotstart is not appended to it", []func(*Screen){stay("S"), program("x"), hotstart("a\n")}, "x\na\nS"},
		{"a status that comes during such a line is shown after it", []func(*Screen){program("x"), stay("S"), program("y\n")}, "xy\nS"},
		{"a status that ends during such a line is not shown", []func(*Screen){stay("S"), program("x"), stay(""), program("y\n"), hotstart("a\n")}, "xy\na\n"},
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

package term

import (
	"bufio"
	"os"
	"strings"

	"github.com/mattn/go-runewidth"
)

// SourceLine reads one line of a file, and reports whether it exists.
func SourceLine(file string, number int) (string, bool) {
	f, err := os.Open(file)
	if err != nil || number < 1 {
		return "", false
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if number--; number == 0 {
			return lines.Text(), true
		}
	}
	return "", false
}

// Frame returns a line of source for a terminal with that many cells in a row, and the
// line with a caret for the row below it. The column counts bytes from 1, as compilers
// do. If the line does not have the column, caret is "".
func Frame(line string, column, cells int) (source, caret string) {
	const tab = 4
	var shown []rune
	at, width := -1, 0 // cell of the caret; cells of the line
	for i, r := range line {
		if at < 0 && column > 0 && i >= column-1 {
			at = width
		}
		switch {
		case r == '\t':
			shown = append(shown, []rune("    ")...)
			width += tab
		case IsControl(r):
		default:
			shown = append(shown, r)
			width += runewidth.RuneWidth(r)
		}
	}
	if at < 0 && column == len(line)+1 { // something is missing at the end
		at = width
	}
	text, at := window(shown, at, cells)
	if at < 0 {
		return text, ""
	}
	return text, strings.Repeat(" ", at) + "^"
}

// window cuts a long line so that it contains the cell at, and returns the position of
// that cell in the result.
func window(line []rune, at, cells int) (string, int) {
	const gap = "..."
	from, skipped := 0, 0
	for from < len(line) && at-skipped > cells*2/3 {
		skipped += runewidth.RuneWidth(line[from])
		from++
	}
	to, width := from, 0
	for to < len(line) && width+runewidth.RuneWidth(line[to]) <= cells {
		width += runewidth.RuneWidth(line[to])
		to++
	}
	text := string(line[from:to])
	if to < len(line) {
		text += gap
	}
	if from > 0 {
		text, skipped = gap+text, skipped-len(gap)
	}
	return strings.TrimRight(text, " "), at - min(skipped, at+1)
}

package term

import (
	"bufio"
	"os"
	"strings"
	"unicode"
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
			width += cellsOf(r)
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
		skipped += cellsOf(line[from])
		from++
	}
	to, width := from, 0
	for to < len(line) && width+cellsOf(line[to]) <= cells {
		width += cellsOf(line[to])
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

// cellsOf returns the number of cells that a character fills.
func cellsOf(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// wide has the blocks of wide and full-width characters, UAX #11 of Unicode.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, {Lo: 0x231a, Hi: 0x231b, Stride: 1}, {Lo: 0x23e9, Hi: 0x23ec, Stride: 1},
		{Lo: 0x2705, Hi: 0x2705, Stride: 1}, {Lo: 0x274c, Hi: 0x274c, Stride: 1}, {Lo: 0x2e80, Hi: 0x303e, Stride: 1},
		{Lo: 0x3041, Hi: 0xa4cf, Stride: 1}, {Lo: 0xa960, Hi: 0xa97f, Stride: 1}, {Lo: 0xac00, Hi: 0xd7a3, Stride: 1},
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1}, {Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, {Lo: 0xff00, Hi: 0xff60, Stride: 1},
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x16fe0, Hi: 0x18cff, Stride: 1}, {Lo: 0x1aff0, Hi: 0x1b2ff, Stride: 1}, {Lo: 0x1f300, Hi: 0x1f64f, Stride: 1},
		{Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1}, {Lo: 0x1f7e0, Hi: 0x1f7eb, Stride: 1}, {Lo: 0x1f900, Hi: 0x1f9ff, Stride: 1},
		{Lo: 0x1fa70, Hi: 0x1faff, Stride: 1}, {Lo: 0x20000, Hi: 0x3fffd, Stride: 1},
	},
}

package main

import (
	"fmt"
	"strings"
)

// style makes the picture readable on white and on black.
const style = `<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.head { font-weight: 600; font-size: 14px }
.note { fill: #6e7781 }
.bar { fill: #8c959f }
.ours { fill: #2da44e }
.yard { stroke: #cf222e; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .note { fill: #8b949e } .yard { stroke: #ff7b72 } }
</style>`

const (
	rowHeight, headHeight = 24, 40
	nameWidth, barWidth   = 160, 380
	pictureWidth          = nameWidth + barWidth + 210

	longestBar = 5 // times the bare go build: a longer one has a gap, or the others could not be told apart
)

// draw shows the time from a save to the first new answer: a bar for each
// tool, and a line where the bare go build ends.
func draw(all []summary) string {
	var body strings.Builder
	y := 8
	for _, p := range programs() {
		if yardstickOf(p.name) == bareBuild {
			y = drawProgram(&body, p, all, y)
		}
	}
	return fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" "+
		"aria-label=\"Time from a save to the first new answer, by tool\">\n%s\n%s</svg>\n", pictureWidth, y+8, pictureWidth, y+8, style, body.String())
}

// drawProgram returns where the next one begins.
func drawProgram(w *strings.Builder, p program, all []summary, y int) int {
	var rows []summary
	longest, yard := 0.0, 0.0
	for _, s := range all {
		switch {
		case s.Program != p.name || s.Edits == 0:
		case s.Tool == bareBuild:
			yard, longest = s.Median, max(longest, s.Median)
		default:
			rows, longest = append(rows, s), max(longest, s.Median)
		}
	}
	if len(rows) == 0 {
		return y
	}
	if yard > 0 {
		longest = min(longest, longestBar*yard)
	}
	scale := barWidth / longest
	fmt.Fprintf(w, "<text class=\"head\" x=\"8\" y=\"%d\">%s</text>\n", y+18, p.about)
	top := y + headHeight - 8
	bottom := top + len(rows)*rowHeight
	x := nameWidth + yard*scale
	fmt.Fprintf(w, "<line class=\"yard\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>\n", x, x, top-4, bottom)
	fmt.Fprintf(w, "<text class=\"note\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">a bare go build: %s</text>\n", x, bottom+14, seconds(yard))
	for i, s := range rows {
		drawBar(w, s, top+i*rowHeight, scale)
	}
	return bottom + headHeight - 8
}

func drawBar(w *strings.Builder, s summary, y int, scale float64) {
	class := "bar"
	if strings.HasPrefix(s.Tool, ours) {
		class = "ours"
	}
	fmt.Fprintf(w, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", nameWidth-8, y+15, s.Tool)
	long := s.Median * scale
	bar := func(x, width float64) {
		fmt.Fprintf(w, "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"16\" rx=\"2\"/>\n", class, nameWidth+x, y+2, width)
	}
	if long > barWidth+0.5 {
		const gap, end = 6, 12
		long = barWidth
		bar(0, long-gap-end)
		bar(long-end, end)
	} else {
		bar(0, long)
	}
	lost := "none lost"
	if s.Lost > 0 {
		lost = fmt.Sprintf("%d of %d lost", s.Lost, s.Asked)
	}
	fmt.Fprintf(w, "<text x=\"%.1f\" y=\"%d\">%s <tspan class=\"note\">%s</tspan></text>\n", nameWidth+long+8, y+15, seconds(s.Median), lost)
}

func seconds(ms float64) string { return fmt.Sprintf("%.2f s", ms/1e3) }

package change

import (
	"path/filepath"
	"slices"
)

// Edits are the edits in the code of a program, to compare it with the code of
// another one. The zero Edits are none. They are immutable.
type Edits struct {
	others int      // number of edits of other files than style sheets
	styles []string // style sheets that were edited since the last one of these
}

// Then returns the edits with one more. Without a file, the reason for newer
// code is another one than style sheets.
func (e Edits) Then(files []string) Edits {
	isOther := func(file string) bool { return filepath.Ext(file) != ".css" }
	if len(files) == 0 || slices.ContainsFunc(files, isOther) {
		return Edits{others: e.others + 1}
	}
	e.styles = slices.Compact(slices.Sorted(slices.Values(slices.Concat(e.styles, files))))
	return e
}

// OnlyStyles returns style sheets that include all differences from the code
// of an older program; nil if there may be others.
func (e Edits) OnlyStyles(older Edits) []string {
	if e.others != older.others {
		return nil
	}
	return e.styles
}

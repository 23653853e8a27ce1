package prelink

import (
	_ "embed"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
)

// The files that are added to the linker.
var (
	//go:embed _overlay/ld.go
	ldFile string
	//go:embed _overlay/loader.go
	loaderFile string
)

// source is the sources of the waiting linker.
var source = linktool.Source{
	Name:    "link",
	Anchors: anchors,
	Added: map[string]string{
		"ld/hotstart_prelink.go":     ldFile,
		"loader/hotstart_prelink.go": loaderFile,
	},
	// Those that have anchors, and those with the functions that the added files call.
	ReliedOn: []string{
		"cmd/internal/goobj/builtin.go",
		"cmd/internal/goobj/objfile.go",
		"cmd/link/internal/ld/deadcode.go",
		"cmd/link/internal/ld/go.go",
		"cmd/link/internal/ld/inittask.go",
		"cmd/link/internal/ld/lib.go",
		"cmd/link/internal/ld/link.go",
		"cmd/link/internal/ld/main.go",
		"cmd/link/internal/loader/loader.go",
		"cmd/link/internal/loader/symbolbuilder.go",
		"cmd/link/internal/sym/library.go",
	},
	Tested:   tested,
	SelfTest: selfTest,
}

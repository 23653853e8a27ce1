package delta

import (
	"embed"
	"io/fs"
	"strings"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
)

// overlay are the files that are added to the linker: ld_x.go is ld/hotstart_x.go there.
//
//go:embed _overlay/*.go
var overlay embed.FS

// source is the sources of the delta linker.
var source = linktool.Source{
	Name:    "delta",
	Anchors: anchors,
	Added:   addedFiles(),
	// All that decides what is in a program, and what the runtime does with its modules.
	ReliedOn: []string{
		"cmd/internal/goobj/builtin.go",
		"cmd/internal/goobj/builtinlist.go",
		"cmd/internal/goobj/objfile.go",
		"cmd/internal/objabi/funcid.go",
		"cmd/internal/objabi/path.go",
		"cmd/internal/objabi/reloctype.go",
		"cmd/internal/objabi/symkind.go",
		"cmd/link/internal/amd64/asm.go",
		"cmd/link/internal/amd64/obj.go",
		"cmd/link/internal/ld/data.go",
		"cmd/link/internal/ld/deadcode.go",
		"cmd/link/internal/ld/decodesym.go",
		"cmd/link/internal/ld/elf.go",
		"cmd/link/internal/ld/fips140.go",
		"cmd/link/internal/ld/go.go",
		"cmd/link/internal/ld/inittask.go",
		"cmd/link/internal/ld/ld.go",
		"cmd/link/internal/ld/lib.go",
		"cmd/link/internal/ld/link.go",
		"cmd/link/internal/ld/main.go",
		"cmd/link/internal/ld/outbuf.go",
		"cmd/link/internal/ld/pcln.go",
		"cmd/link/internal/ld/stackcheck.go",
		"cmd/link/internal/ld/sym.go",
		"cmd/link/internal/ld/symtab.go",
		"cmd/link/internal/ld/target.go",
		"cmd/link/internal/loader/loader.go",
		"cmd/link/internal/loader/symbolbuilder.go",
		"cmd/link/internal/sym/library.go",
		"cmd/link/internal/sym/reloc.go",
		"cmd/link/internal/sym/segment.go",
		"cmd/link/internal/sym/symbol.go",
		"cmd/link/internal/sym/symkind.go",
		"internal/abi/iface.go",
		"internal/abi/symtab.go",
		"internal/abi/type.go",
		"internal/runtime/maps/map.go",
		"reflect/type.go",
		"runtime/iface.go",
		"runtime/mbitmap.go",
		"runtime/mgcmark.go",
		"runtime/proc.go",
		"runtime/runtime1.go",
		"runtime/runtime2.go",
		"runtime/stack.go",
		"runtime/stkframe.go",
		"runtime/symtab.go",
		"runtime/symtabinl.go",
		"runtime/type.go",
	},
	Tested:   tested,
	SelfTest: selfTest,
}

func addedFiles() map[string]string {
	files := map[string]string{}
	names, err := fs.Glob(overlay, "_overlay/*.go")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		content, err := overlay.ReadFile(name)
		if err != nil {
			panic(err)
		}
		dir, base, _ := strings.Cut(strings.TrimPrefix(name, "_overlay/"), "_")
		files[dir+"/hotstart_"+base] = string(content)
	}
	return files
}

package ld

import (
	"cmd/internal/goobj"
	"cmd/internal/objabi"
	"cmd/link/internal/loader"
	"cmd/link/internal/sym"
	"os"
	"slices"
	"strings"
)

// Variables that hotstart sets in the environment. Without the first one, the
// linker is the ordinary one.
const (
	modeVariable     = "HOTSTART_DELTA"          // base, delta or verify
	hotVariable      = "HOTSTART_DELTA_HOT"      // the hot packages, separated by commas
	snapshotVariable = "HOTSTART_DELTA_SNAPSHOT" // file: what the link of a base writes, and a delta link reads
	baseVariable     = "HOTSTART_DELTA_BASE"     // file: the base of a delta link
	copyVariable     = "HOTSTART_DELTA_COPY"     // file: a copy of the base, which becomes the program
	programVariable  = "HOTSTART_DELTA_PROGRAM"  // file: the program that mode verify compares with its output
)

var (
	hotPackages map[string]bool // by sym.Library.Pkg; nil in an ordinary link

	// forBase is the state of the link of a base; nil in others.
	forBase *loader.BaseLink

	// onBase is the base of a delta link; nil in others.
	onBase *loader.Base
)

// startDelta reads the environment.
func startDelta(ctxt *Link) {
	mode := os.Getenv(modeVariable)
	if mode == "" {
		return
	}
	hotPackages = map[string]bool{}
	for _, pkg := range strings.Split(os.Getenv(hotVariable), ",") {
		hotPackages[pkg] = true
	}
	if !hotPackages["main"] {
		loader.GiveUp("main is not a hot package")
	}
	if mode == "base" || mode == "verify" {
		forBase = &loader.BaseLink{Hot: hotPackages}
		return
	}
	base, err := loader.OpenBase(os.Getenv(baseVariable), os.Getenv(snapshotVariable))
	if err != nil {
		loader.GiveUp("%v", err)
	}
	base.Hot = hotPackages
	onBase = base
	const page = 1 << 16
	*FlagTextAddr = int64((base.End+2*page-1)&^(page-1)) + 0x1000 // the headers take 0x1000
}

// setUpLoader tells the loader about the mode.
func setUpLoader(ctxt *Link) {
	if forBase != nil {
		ctxt.loader.SetHot(hotPackages)
	}
	if onBase == nil {
		return
	}
	ctxt.loader.SetBase(onBase)
	onBase.Open = func(path, file string) {
		lib := &sym.Library{Objref: "hotstart", Srcref: "hotstart", File: file, Pkg: path}
		for unescaped := range ctxt.PackageFile {
			if objabi.PathToPrefix(unescaped) == path {
				lib.Pkg = unescaped
			}
		}
		ctxt.LibraryByPkg[lib.Pkg] = lib
		ctxt.Library = append(ctxt.Library, lib)
		loadobjfile(ctxt, lib)
	}
}

// addHotPackages adds the hot packages of a delta link besides main. Maybe only
// cold packages import them.
func addHotPackages(ctxt *Link) {
	if onBase == nil {
		return
	}
	for _, pkg := range sortedHot() {
		if pkg == "main" {
			continue
		}
		file := ctxt.PackageFile[pkg]
		if file == "" {
			loader.GiveUp("the archive of %s is missing", pkg)
		}
		addlibpath(ctxt, "hotstart", "hotstart", file, pkg, "", goobj.FingerprintType{})
	}
}

func sortedHot() (pkgs []string) {
	for pkg := range hotPackages {
		pkgs = append(pkgs, pkg)
	}
	slices.Sort(pkgs)
	return pkgs
}

// isColdImport reports whether a package is imported that a delta link does not load.
func isColdImport(imp goobj.ImportedPkg) bool {
	return onBase != nil && onBase.CheckImport(imp.Pkg, imp.Fingerprint)
}

// checkLibraries gives up if the loaded packages can't be parts of a base, or of a delta.
func checkLibraries(ctxt *Link) {
	if hotPackages == nil {
		return
	}
	if ctxt.LinkMode != LinkInternal || ctxt.BuildMode != BuildModeExe || ctxt.linkShared || ctxt.canUsePlugins || *flagRace || *flagMsan || *flagAsan || !*FlagW || !*FlagS {
		loader.GiveUp("not an ordinary internal link without symbols")
	}
	for _, c := range ctxt.cgodata {
		if hotPackages[c.pkg] {
			neverHot(c.pkg, "uses cgo")
		}
	}
	for _, h := range hostobj {
		if hotPackages[h.pkg] {
			neverHot(h.pkg, "has host objects")
		}
	}
	for _, pkg := range sortedHot() {
		lib := ctxt.LibraryByPkg[pkg]
		if lib == nil {
			loader.GiveUp("%s is not in the program", pkg)
		}
		if onBase != nil {
			onBase.CheckExports(pkg, lib.Fingerprint)
		}
	}
	ctxt.loader.CheckHotObjects(hotPackages, neverHot)
	if onBase != nil {
		onBase.Check()
	}
}

// neverHot ends the process, since a hot package can't be hot.
func neverHot(pkg, why string) {
	if forBase != nil {
		loader.NeverHot(pkg, why)
	}
	loader.GiveUp("%s %s", pkg, why)
}

// finishDelta writes what a base or a delta link has as its result.
func finishDelta(ctxt *Link) {
	switch {
	case os.Getenv(modeVariable) == "verify":
		exitIfErrors()
		compareWith(ctxt, os.Getenv(programVariable))
	case forBase != nil:
		writeSnapshot(ctxt)
	case onBase != nil:
		mergeDelta(ctxt)
	}
}

func writeSnapshot(ctxt *Link) {
	exitIfErrors()
	if len(Segtext.Sections) == 0 || ctxt.IsExternal() || hasSecondText() {
		loader.GiveUp("the program has several text sections")
	}
	for _, lib := range ctxt.Library {
		pkg := loader.BasePackage{Path: lib.Pkg, File: lib.File, Fingerprint: lib.Fingerprint}
		forBase.Packages = append(forBase.Packages, pkg)
	}
	for i := range forBase.Packages {
		forBase.Packages[i].ColdImport = importedByCold(ctxt, forBase.Packages[i].Path)
	}
	if err := ctxt.loader.WriteSnapshot(forBase, os.Getenv(snapshotVariable)); err != nil {
		loader.GiveUp("%v", err)
	}
}

func hasSecondText() bool {
	n := 0
	for _, sect := range Segtext.Sections {
		if sect.Name == ".text" {
			n++
		}
	}
	return n != 1
}

func importedByCold(ctxt *Link, path string) bool {
	for _, lib := range ctxt.Library {
		if !hotPackages[lib.Pkg] && slices.ContainsFunc(lib.Imports, func(imported *sym.Library) bool { return imported.Pkg == path }) {
			return true
		}
	}
	return false
}

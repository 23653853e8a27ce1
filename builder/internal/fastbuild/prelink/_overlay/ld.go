package ld

import (
	"bufio"
	"cmd/internal/goobj"
	"cmd/internal/objabi"
	"cmd/link/internal/loader"
	"cmd/link/internal/sym"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// hotVariable names the environment variable with the hot packages, separated
// by commas: the packages whose archives are not known yet. Without it, the
// linker is the ordinary one.
const hotVariable = "HOTSTART_PRELINK"

// prelink is the part of loadlib and deadcode that a link does before the hot
// archives are known. It waits for them.
func prelink(ctxt *Link) {
	hot := os.Getenv(hotVariable)
	if hot == "" {
		ctxt.loadlib()
		return
	}
	var finish func()
	atLowPriority(func() {
		finish = ctxt.startLoadlib(strings.Split(hot, ","))
		ctxt.startDeadcode()
	})
	uses := ctxt.usesOfHot()
	ctxt.replaceHot(awaitRequest(ctxt))
	for _, use := range uses {
		if use.imported.Fingerprint != ctxt.LibraryByPkg[use.imported.Pkg].Fingerprint {
			loader.GiveUp("the exports of %s have changed", use.imported.Pkg)
		}
	}
	finish()
}

// atLowPriority calls f on a thread of its own with the lowest priority. The
// thread ends with f: an ordinary user can't raise its priority again.
func atLowPriority(f func()) {
	done := make(chan bool)
	go func() {
		runtime.LockOSThread()
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 19) // of the calling thread
		f()
		close(done)
	}()
	<-done
}

// startLoadSyms is LoadSyms without the hot packages.
func (ctxt *Link) startLoadSyms(hot []string) (finish func()) {
	if hot == nil {
		return ctxt.loader.StartLoad(ctxt.Arch)
	}
	if ctxt.LinkMode != LinkInternal || ctxt.BuildMode != BuildModeExe || ctxt.linkShared || ctxt.canUsePlugins || *flagRace || *flagMsan || *flagAsan {
		loader.GiveUp("not an ordinary internal link")
	}
	p := &loader.Prelink{Hot: map[string]bool{}}
	for _, pkg := range hot {
		if ctxt.LibraryByPkg[pkg] == nil {
			loader.GiveUp("%s is not in the program", pkg)
		}
		p.Hot[pkg] = true
	}
	for _, c := range ctxt.cgodata {
		if p.Hot[c.pkg] {
			loader.GiveUp("%s uses cgo", c.pkg)
		}
	}
	for _, h := range hostobj {
		if p.Hot[h.pkg] {
			loader.GiveUp("%s has host objects", h.pkg)
		}
	}
	ctxt.loader.Prelink = p
	return ctxt.loader.StartLoad(ctxt.Arch)
}

// awaitRequest waits for the rest of the command, one line each:
//
//	package PATH=FILE   archive of a hot package
//	buildid ID
//	link                the end of the command
//
// It returns the archives. At the end of the input the process ends.
func awaitRequest(ctxt *Link) (archives map[string]string) {
	fmt.Println("ready")
	archives = map[string]string{}
	for in := bufio.NewReader(os.Stdin); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			loader.GiveUp("not needed")
		}
		verb, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch verb {
		case "package":
			path, file, _ := strings.Cut(value, "=")
			archives[path] = file
		case "buildid":
			*flagBuildid = value
			addbuildinfo(ctxt)
		case "link":
			return archives
		default:
			loader.GiveUp("unknown request %q", line)
		}
	}
}

// use is an import of a hot package.
type use struct {
	importer *sym.Library
	imported goobj.ImportedPkg
}

// usesOfHot returns the imports of hot packages by other packages.
func (ctxt *Link) usesOfHot() (uses []use) {
	hot := ctxt.loader.Prelink.Hot
	ctxt.loader.EachImport(func(importer *sym.Library, imported goobj.ImportedPkg) {
		if hot[imported.Pkg] && !hot[importer.Pkg] {
			uses = append(uses, use{importer, imported})
		}
	})
	return uses
}

// replaceHot opens the new archives of hot packages.
func (ctxt *Link) replaceHot(archives map[string]string) {
	hot := ctxt.loader.Prelink.Hot
	state := func() [5]int {
		return [...]int{len(ctxt.Library), len(ctxt.cgodata), len(hostobj), len(dynimportfail), len(preferlinkext)}
	}
	before, version := state(), ctxt.version
	for pkg := range archives {
		if !hot[pkg] {
			loader.GiveUp("%s is not a hot package", pkg)
		}
		ctxt.LibraryByPkg[pkg].Fingerprint = goobj.FingerprintType{} // imports are compared when all are known
	}
	for _, lib := range slices.Clone(ctxt.Library) {
		file, ok := archives[lib.Pkg]
		if !ok {
			continue
		}
		n := ctxt.loader.NumObjs()
		fresh := &sym.Library{Objref: lib.Objref, Srcref: lib.Srcref, File: file, Pkg: lib.Pkg}
		loadobjfile(ctxt, fresh)
		if !slices.Equal(fresh.Imports, lib.Imports) {
			loader.GiveUp("the imports of %s have changed", lib.Pkg)
		}
		for _, unit := range fresh.Units {
			unit.Lib = lib
		}
		*lib = *fresh
		ctxt.loader.ReplaceObjs(lib, n)
	}
	ctxt.version = version
	if state() != before {
		loader.GiveUp("a changed package uses cgo")
	}
	ctxt.loader.EachImport(func(importer *sym.Library, imported goobj.ImportedPkg) {
		if lib := ctxt.LibraryByPkg[imported.Pkg]; hot[importer.Pkg] && lib != nil {
			checkFingerprint(lib, lib.Fingerprint, importer.Pkg, imported.Fingerprint)
		}
	})
}

// earlyDeadcode is the result of startDeadcode; nil without one.
var earlyDeadcode *deadcodePass

// earlyInits are the init tasks that earlyDeadcode begins with.
var earlyInits = map[loader.Sym]bool{}

// startDeadcode finds what is reachable from the entry point, from the init
// tasks of all packages but the hot ones and from what the hot packages have
// referred to in the last link.
func (ctxt *Link) startDeadcode() {
	ldr := ctxt.loader
	seeds, end := ldr.StartReach()
	ctxt.Loaded = true // or deadcode refuses to begin
	defer func() {
		ctxt.Loaded = false
		// deadcode panics if a definition is missing: that of a hot package.
		ok := recover() == nil
		end(ok)
		if !ok {
			earlyDeadcode = nil
		}
	}()
	earlyDeadcode = &deadcodePass{ctxt: ctxt, ldr: ldr, skip: ldr.IsLate, ifaceMethod: map[methodsig]bool{}, genericIfaceMethod: map[string]bool{}}
	d := earlyDeadcode
	for _, name := range []string{*flagEntrySymbol, "runtime.unreachableMethod"} {
		d.mark(ldr.Lookup(name, 0), 0)
		d.mark(ldr.Lookup(name, abiInternalVer), 0)
	}
	for _, lib := range ctxt.Library {
		s := ldr.Lookup(objabi.PathToPrefix(lib.Pkg)+"..inittask", 0)
		if s != 0 && !ldr.Prelink.Hot[lib.Pkg] && !ldr.IsExternal(s) && ldr.SymSize(s) > 8 { // see inittask.go
			earlyInits[s] = true
			d.mark(s, 0)
		}
	}
	d.reach()
	for s := range seeds {
		if ldr.AttrReachable(s) {
			delete(seeds, s) // also without the hot packages
		}
	}
	for s := range seeds {
		d.mark(s, 0)
	}
	d.reach()
}

// resume continues with the result of startDeadcode, if that is a part of the
// result of this pass.
func (d *deadcodePass) resume() {
	early, ldr := earlyDeadcode, d.ldr
	if early == nil {
		return
	}
	scheduled := map[loader.Sym]bool{}
	for _, s := range []loader.Sym{d.ctxt.mainInittasks, ldr.Lookup("go:runtime.inittasks", 0)} {
		if s != 0 {
			relocs := ldr.Relocs(s)
			for i := range relocs.Count() {
				scheduled[relocs.At(i).Sym()] = true
			}
		}
	}
	visit, err := ldr.ResumeReach(scheduled, earlyInits)
	fmt.Println("resume:", err) // for tests
	if err != nil {
		return
	}
	for m := range early.ifaceMethod {
		m.typ = ldr.MovedTo(m.typ)
		d.ifaceMethod[m] = true
	}
	d.genericIfaceMethod = early.genericIfaceMethod
	d.reflectSeen = early.reflectSeen
	for _, m := range early.markableMethods {
		m.src, m.m.typ = ldr.MovedTo(m.src), ldr.MovedTo(m.m.typ)
		d.markableMethods = append(d.markableMethods, m)
	}
	again := map[loader.Sym]bool{}
	for _, s := range visit {
		again[s] = true
	}
	for _, s := range early.pkginits {
		if s = ldr.MovedTo(s); !again[s] {
			d.pkginits = append(d.pkginits, s)
		}
	}
	for _, s := range visit {
		d.mark(s, 0)
	}
}

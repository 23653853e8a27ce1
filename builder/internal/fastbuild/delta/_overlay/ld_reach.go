package ld

import (
	"cmd/link/internal/loader"
	"cmd/link/internal/sym"
	"encoding/binary"
	"strings"
)

// markSites marks what the base needs of the hot packages.
func (d *deadcodePass) markSites() {
	for i := range onBase.Sites {
		site := &onBase.Sites[i]
		target := d.ldr.SiteTarget(site)
		if target == 0 {
			continue
		}
		if site.UsedInIface {
			d.ldr.SetAttrUsedInIface(target, true)
		}
	}
	for i := range onBase.Sites {
		if target := d.ldr.SiteTarget(&onBase.Sites[i]); target != 0 {
			d.mark(target, 0)
		}
	}
	onBase.Check()
	d.reflectSeen = onBase.CallsMethodsByReflection != 0
}

// visit prepares a symbol that the pass has taken from its queue.
func (d *deadcodePass) visit(s loader.Sym) {
	if onBase != nil {
		d.ldr.Visit(s)
	}
}

// noteIfaceMethod is called for each use of a method of an interface.
func (d *deadcodePass) noteIfaceMethod(m methodsig) {
	if onBase == nil {
		return
	}
	method := loader.Method{Name: m.name, Type: m.typ}
	if !d.ldr.CallsMethod(method) {
		d.ldr.TypesWithMethod(method, d.revisit)
	}
}

// noteMethodName is called for each method name that is looked up by reflection.
func (d *deadcodePass) noteMethodName(name string) {
	if onBase != nil && !d.ldr.LooksUpMethod(name) {
		d.ldr.TypesWithMethodName(name, d.revisit)
	}
}

// revisit visits a type of the base, which uses it in interfaces, for methods
// that the base lacks.
func (d *deadcodePass) revisit(typ loader.Sym) {
	if d.revisited == nil {
		d.revisited = map[loader.Sym]bool{}
	}
	if !d.revisited[typ] {
		d.revisited[typ] = true
		d.ldr.SetAttrReachable(typ, false)
		d.mark(typ, 0)
	}
}

// isUsedByBase reports whether the base calls a method.
func (d *deadcodePass) isUsedByBase(m methodsig) bool {
	return onBase != nil && d.ldr.CallsMethod(loader.Method{Name: m.name, Type: m.typ})
}

// finish ends the pass of a base, or of a delta.
func (d *deadcodePass) finish() {
	if forBase != nil {
		d.noteMethods()
	}
	if onBase == nil {
		return
	}
	if d.reflectSeen && onBase.CallsMethodsByReflection == 0 && onBase.LacksExported() {
		onBase.Fail("methods are called by reflection")
	}
	d.checkProfiles()
	for _, name := range d.ldr.Unknown() {
		if name != "runtime.tlsg" && !strings.HasPrefix(name, "go:info.") {
			onBase.Fail("%s is not known", name)
		}
	}
	onBase.Check()
	d.placeEmpty()
}

func (d *deadcodePass) noteMethods() {
	for m := range d.ifaceMethod {
		forBase.Ifaces = append(forBase.Ifaces, loader.Method{Name: m.name, Type: m.typ})
	}
	for name := range d.genericIfaceMethod {
		forBase.Generics = append(forBase.Generics, name)
	}
	for _, m := range d.markableMethods {
		forBase.Pruned = append(forBase.Pruned, loader.PrunedMethod{Method: loader.Method{Name: m.m.name, Type: m.m.typ}, Of: m.src, Exported: m.isExported()})
	}
	forBase.CallsMethodsByReflection = d.reflectSeen
}

// checkProfiles fails if the delta reads memory profiles, but the runtime of the
// base makes none, see linksetup; or if the program dumps its heap: that shows
// the variables of the first module only.
func (d *deadcodePass) checkProfiles() {
	profile := d.ldr.Lookup("runtime.memProfileInternal", abiInternalVer)
	if profile != 0 && d.ldr.AttrReachable(profile) && !d.ldr.InBase(profile) {
		onBase.Fail("memory profiles are new")
	}
	if dump := d.ldr.Lookup("runtime/debug.WriteHeapDump", abiInternalVer); dump != 0 && d.ldr.AttrReachable(dump) {
		onBase.Fail("the program dumps its heap")
	}
}

// placeEmpty gives variables without a size the address that those of the base have.
func (d *deadcodePass) placeEmpty() {
	ldr := d.ldr
	zero := ldr.Lookup("runtime.zerobase", 0)
	if zero == 0 || !ldr.InBase(zero) {
		loader.GiveUp("the base has no runtime.zerobase")
	}
	for s := loader.Sym(1); s < loader.Sym(ldr.NSym()); s++ {
		if !ldr.AttrReachable(s) || ldr.IsExternal(s) || ldr.SymSize(s) != 0 {
			continue
		}
		switch ldr.SymType(s) {
		case sym.SBSS, sym.SNOPTRBSS:
			ldr.SetAttrSpecial(s, true)
			ldr.SetSymValue(s, ldr.SymValue(zero))
		}
	}
}

// methodInBase decodes a method of an interface type that is in the base, see decodeIfaceMethod.
func methodInBase(ldr *loader.Loader, s loader.Sym, off int64) (m methodsig, ok bool) {
	if onBase == nil || !ldr.InBase(s) {
		return m, false
	}
	method := ldr.Data(s)[off:]
	name := onBase.At(onBase.Types + uint64(binary.LittleEndian.Uint32(method)))
	n, length := binary.Uvarint(name[1:])
	m.name = string(name[1+length:][:n])
	m.typ = ldr.TypeAt(onBase.Types + uint64(binary.LittleEndian.Uint32(method[4:])))
	if m.typ == 0 {
		loader.GiveUp("the type of a method of %s is not known", ldr.SymName(s))
	}
	return m, true
}

// targetInBase returns the type that a pointer in a symbol of the base points to.
func targetInBase(ldr *loader.Loader, s loader.Sym, off int64) (target loader.Sym, ok bool) {
	if onBase == nil || !ldr.InBase(s) {
		return 0, false
	}
	target = ldr.TypeAtPointer(uint64(ldr.SymValue(s) + off))
	if target == 0 {
		loader.GiveUp("a type that %s points to is not known", ldr.SymName(s))
	}
	return target, true
}

// maskInBase returns the pointer mask of a type of the base.
func maskInBase(ldr *loader.Loader, s loader.Sym, off int32) (mask []byte, ok bool) {
	if onBase == nil || !ldr.InBase(s) {
		return nil, false
	}
	return onBase.At(binary.LittleEndian.Uint64(ldr.Data(s)[off:])), true
}

// noteStack keeps the stack heights for the snapshot of a base. In a delta it
// gives up if the base calls a function that needs more stack than before.
func noteStack(sc *stackCheck) {
	if forBase != nil {
		forBase.Stack = sc.height
	}
	if onBase == nil {
		return
	}
	for i := range onBase.Sites {
		site := &onBase.Sites[i]
		if site.Stack < 0 {
			continue
		}
		if target := sc.ldr.SiteTarget(site); sc.check(target) > int(site.Stack) {
			loader.GiveUp("%s needs more stack than before", sc.ldr.SymName(target))
		}
	}
}

// notePrunedInit keeps a call of a map initializer that is pruned, for the snapshot of a base.
func notePrunedInit(caller loader.Sym, reloc int, target loader.Sym) {
	if forBase != nil {
		forBase.PrunedInits = append(forBase.PrunedInits, loader.PrunedInit{Caller: caller, Reloc: reloc, Target: target})
	}
}

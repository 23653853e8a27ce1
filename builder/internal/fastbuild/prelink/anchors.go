package prelink

// The texts to find, and those that contain them, are parts of the Go linker:
//
// Copyright 2009 The Go Authors. All rights reserved.
//
// Redistribution and use in source and binary forms, with or without
// modification, are permitted provided that the following conditions are
// met:
//
//   - Redistributions of source code must retain the above copyright
//     notice, this list of conditions and the following disclaimer.
//   - Redistributions in binary form must reproduce the above
//     copyright notice, this list of conditions and the following disclaimer
//     in the documentation and/or other materials provided with the
//     distribution.
//   - Neither the name of Google LLC nor the names of its
//     contributors may be used to endorse or promote products derived from
//     this software without specific prior written permission.
//
// THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS
// "AS IS" AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT
// LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR
// A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT
// OWNER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL,
// SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT
// LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE,
// DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY
// THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT
// (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE
// OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.

// anchor is a change of one place in the linker's sources.
type anchor struct {
	file     string // below cmd/link/internal
	old, new string // old occurs exactly once
	optional bool   // old may be missing: not all releases have it
}

// anchors cut the functions loadlib, LoadSyms and deadcode in two: what they do
// before the hot packages are known, and what they do after that. The other
// half of the changes are the files of the directory _overlay.
var anchors = []anchor{
	{file: "ld/main.go",
		old: "\tctxt.loadlib()\n",
		new: "\tprelink(ctxt)\n"},
	{file: "ld/lib.go",
		old: "func (ctxt *Link) loadlib() {\n",
		new: "func (ctxt *Link) loadlib() { ctxt.startLoadlib(nil)() }\n\nfunc (ctxt *Link) startLoadlib(hot []string) (finish func()) {\n"},
	{file: "ld/lib.go",
		old: "\tctxt.loader.LoadSyms(ctxt.Arch)\n",
		new: "\tfinishSyms := ctxt.startLoadSyms(hot)\n\treturn func() {\n\tfinishSyms()\n"},
	{file: "ld/lib.go",
		old: "\tstrictDupMsgCount = ctxt.loader.NStrictDupMsgs()\n}\n",
		new: "\tstrictDupMsgCount = ctxt.loader.NStrictDupMsgs()\n\t}\n}\n"},

	{file: "ld/deadcode.go",
		old: "type deadcodePass struct {\n",
		new: "type deadcodePass struct {\n\tskip func(loader.Sym) bool\n"},
	{file: "ld/deadcode.go",
		old: "\t\tsymIdx := d.wq.pop()\n",
		new: "\t\tsymIdx := d.wq.pop()\n\t\tif d.skip != nil && d.skip(symIdx) {\n\t\t\tcontinue\n\t\t}\n"},
	{file: "ld/deadcode.go",
		old: "\td.init()\n\td.flood()\n",
		new: "\td.init()\n\td.resume()\n\td.reach()\n\tif *flagPruneWeakMap {\n\t\td.mapinitcleanup()\n\t}\n}\n\nfunc (d *deadcodePass) reach() {\n\tctxt := d.ctxt\n\td.flood()\n"},
	{file: "ld/deadcode.go",
		old: "\tif *flagPruneWeakMap {\n\t\td.mapinitcleanup()\n\t}\n",
		new: ""},

	{file: "loader/loader.go",
		old: "type Loader struct {\n",
		new: "type Loader struct {\n\tPrelink *Prelink\n"},
	{file: "loader/loader.go",
		old: "type oReader struct {\n",
		new: "type oReader struct {\n\treserved *reserved\n\trefersToHot bool\n"},
	{file: "loader/loader.go",
		old: "\tl := st.l\n\tif l.extStart != 0 {\n",
		new: "\tl := st.l\n\tif r.reserved != nil {\n\t\treturn st.addHotSym(name, ver, r, li, kind, osym)\n\t}\n\tif l.extStart != 0 {\n"},
	{file: "loader/loader.go",
		old: "func (st *loadState) preloadSyms(r *oReader, kind int) {\n",
		new: "func (st *loadState) preloadSyms(r *oReader, kind int) {\n\tif st.l.reserve(r, kind) {\n\t\treturn\n\t}\n"},
	{file: "loader/loader.go",
		old: "func loadObjRefs(l *Loader, r *oReader, arch *sys.Arch) {\n",
		new: "func loadObjRefs(l *Loader, r *oReader, arch *sys.Arch) {\n\tif l.reserve(r, nonPkgRef) {\n\t\treturn\n\t}\n"},
	{file: "loader/loader.go",
		old: "\t\tgi := l.LookupOrCreateSym(name, v)\n\t\tr.syms[ndef+i] = gi\n",
		new: "\t\tgi := l.refSym(r, name, v)\n\t\tr.syms[ndef+i] = gi\n"},
	{file: "loader/loader.go",
		old: "\t\tr.pkg[i] = objidx\n\t}\n\n\t// load flags of package refs\n",
		new: "\t\tr.pkg[i] = objidx\n\t}\n\tif !l.deferRefFlags(r) {\n\t\tl.loadRefFlags(r)\n\t}\n}\n\nfunc (l *Loader) loadRefFlags(r *oReader) {\n\t// load flags of package refs\n"},
	{file: "loader/loader.go",
		old: "func (l *Loader) LoadSyms(arch *sys.Arch) {\n",
		new: "func (l *Loader) LoadSyms(arch *sys.Arch) { l.StartLoad(arch)() }\n\nfunc (l *Loader) StartLoad(arch *sys.Arch) (finish func()) {\n"},
	{file: "loader/loader.go",
		old: "\tfor _, vr := range st.linknameVarRefs {\n\t\tl.checkLinkname(vr.pkg, vr.name, vr.sym)\n\t}\n",
		new: ""},
	{file: "loader/loader.go",
		old: "\tfor _, r := range l.objs[goObjStart:] {\n\t\tloadObjRefs(l, r, arch)\n\t}\n",
		new: "\tfor _, r := range l.objs[goObjStart:] {\n\t\tloadObjRefs(l, r, arch)\n\t}\n\treturn func() {\n\tst.loadHot(arch)\n\tfor _, vr := range st.linknameVarRefs {\n\t\tl.checkLinkname(vr.pkg, vr.name, vr.sym)\n\t}\n"},
	{file: "loader/loader.go", optional: true, // since Go 1.25
		old: "\tfor _, sf := range l.sizeFixups {\n",
		new: "\tfor _, sf := range l.sizeFixups {\n\t\tsf.sym = l.movedTo(sf.sym)\n"},
	{file: "loader/loader.go",
		old: "\tl.outer = make([]Sym, l.NSym(), l.NSym()+1000)\n}\n",
		new: "\tl.outer = make([]Sym, l.NSym(), l.NSym()+1000)\n\t}\n}\n"},
	{file: "loader/loader.go",
		old: "\tresult, fromr := []Sym{}, []Sym{}\n",
		new: "\tresult, fromr := []Sym{}, []Sym{}\n\tif !l.hasUndefined() {\n\t\treturn result, fromr\n\t}\n"},
}

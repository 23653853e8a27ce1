package prelink

import "github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"

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

// anchors cut the functions loadlib, LoadSyms and deadcode in two: what they do
// before the hot packages are known, and what they do after that. The other
// half of the changes are the files of the directory _overlay.
var anchors = []linktool.Anchor{
	{File: "ld/main.go",
		Old: "\tctxt.loadlib()\n",
		New: "\tprelink(ctxt)\n"},
	{File: "ld/lib.go",
		Old: "func (ctxt *Link) loadlib() {\n",
		New: "func (ctxt *Link) loadlib() { ctxt.startLoadlib(nil)() }\n\nfunc (ctxt *Link) startLoadlib(hot []string) (finish func()) {\n"},
	{File: "ld/lib.go",
		Old: "\tctxt.loader.LoadSyms(ctxt.Arch)\n",
		New: "\tfinishSyms := ctxt.startLoadSyms(hot)\n\treturn func() {\n\tfinishSyms()\n"},
	{File: "ld/lib.go",
		Old: "\tstrictDupMsgCount = ctxt.loader.NStrictDupMsgs()\n}\n",
		New: "\tstrictDupMsgCount = ctxt.loader.NStrictDupMsgs()\n\t}\n}\n"},

	{File: "ld/deadcode.go",
		Old: "type deadcodePass struct {\n",
		New: "type deadcodePass struct {\n\tskip func(loader.Sym) bool\n"},
	{File: "ld/deadcode.go",
		Old: "\t\tsymIdx := d.wq.pop()\n",
		New: "\t\tsymIdx := d.wq.pop()\n\t\tif d.skip != nil && d.skip(symIdx) {\n\t\t\tcontinue\n\t\t}\n"},
	{File: "ld/deadcode.go",
		Old: "\td.init()\n\td.flood()\n",
		New: "\td.init()\n\td.resume()\n\td.reach()\n\tif *flagPruneWeakMap {\n\t\td.mapinitcleanup()\n\t}\n}\n\nfunc (d *deadcodePass) reach() {\n\tctxt := d.ctxt\n\td.flood()\n"},
	{File: "ld/deadcode.go",
		Old: "\tif *flagPruneWeakMap {\n\t\td.mapinitcleanup()\n\t}\n",
		New: ""},

	{File: "loader/loader.go",
		Old: "type Loader struct {\n",
		New: "type Loader struct {\n\tPrelink *Prelink\n"},
	{File: "loader/loader.go",
		Old: "type oReader struct {\n",
		New: "type oReader struct {\n\treserved *reserved\n\trefersToHot bool\n"},
	{File: "loader/loader.go",
		Old: "\tl := st.l\n\tif l.extStart != 0 {\n",
		New: "\tl := st.l\n\tif r.reserved != nil {\n\t\treturn st.addHotSym(name, ver, r, li, kind, osym)\n\t}\n\tif l.extStart != 0 {\n"},
	{File: "loader/loader.go",
		Old: "func (st *loadState) preloadSyms(r *oReader, kind int) {\n",
		New: "func (st *loadState) preloadSyms(r *oReader, kind int) {\n\tif st.l.reserve(r, kind) {\n\t\treturn\n\t}\n"},
	{File: "loader/loader.go",
		Old: "func loadObjRefs(l *Loader, r *oReader, arch *sys.Arch) {\n",
		New: "func loadObjRefs(l *Loader, r *oReader, arch *sys.Arch) {\n\tif l.reserve(r, nonPkgRef) {\n\t\treturn\n\t}\n"},
	{File: "loader/loader.go",
		Old: "\t\tgi := l.LookupOrCreateSym(name, v)\n\t\tr.syms[ndef+i] = gi\n",
		New: "\t\tgi := l.refSym(r, name, v)\n\t\tr.syms[ndef+i] = gi\n"},
	{File: "loader/loader.go",
		Old: "\t\tr.pkg[i] = objidx\n\t}\n\n\t// load flags of package refs\n",
		New: "\t\tr.pkg[i] = objidx\n\t}\n\tif !l.deferRefFlags(r) {\n\t\tl.loadRefFlags(r)\n\t}\n}\n\nfunc (l *Loader) loadRefFlags(r *oReader) {\n\t// load flags of package refs\n"},
	{File: "loader/loader.go",
		Old: "func (l *Loader) LoadSyms(arch *sys.Arch) {\n",
		New: "func (l *Loader) LoadSyms(arch *sys.Arch) { l.StartLoad(arch)() }\n\nfunc (l *Loader) StartLoad(arch *sys.Arch) (finish func()) {\n"},
	{File: "loader/loader.go",
		Old: "\tfor _, vr := range st.linknameVarRefs {\n\t\tl.checkLinkname(vr.pkg, vr.name, vr.sym)\n\t}\n",
		New: ""},
	{File: "loader/loader.go",
		Old: "\tfor _, r := range l.objs[goObjStart:] {\n\t\tloadObjRefs(l, r, arch)\n\t}\n",
		New: "\tfor _, r := range l.objs[goObjStart:] {\n\t\tloadObjRefs(l, r, arch)\n\t}\n\treturn func() {\n\tst.loadHot(arch)\n\tfor _, vr := range st.linknameVarRefs {\n\t\tl.checkLinkname(vr.pkg, vr.name, vr.sym)\n\t}\n"},
	{File: "loader/loader.go", Optional: true, // since Go 1.25
		Old: "\tfor _, sf := range l.sizeFixups {\n",
		New: "\tfor _, sf := range l.sizeFixups {\n\t\tsf.sym = l.movedTo(sf.sym)\n"},
	{File: "loader/loader.go",
		Old: "\tl.outer = make([]Sym, l.NSym(), l.NSym()+1000)\n}\n",
		New: "\tl.outer = make([]Sym, l.NSym(), l.NSym()+1000)\n\t}\n}\n"},
	{File: "loader/loader.go",
		Old: "\tresult, fromr := []Sym{}, []Sym{}\n",
		New: "\tresult, fromr := []Sym{}, []Sym{}\n\tif !l.hasUndefined() {\n\t\treturn result, fromr\n\t}\n"},
}

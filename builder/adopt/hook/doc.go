// Package hook is the code that an adopted program gets: package adopt makes
// one file of it and adds that to the program, by an overlay. There it inherits the program's listening sockets, and drains it when
// hotstart says so, by hooks that the standard library has for its own tests.
//
// The code is compiled in foreign modules: it speaks the language of Go 1.17
// or earlier, whatever go.mod says there (no type parameters, no range over
// numbers), needs only packages that package net needs as well (and net/http,
// in files that are left out where a program has none), and every name at the
// top begins with hotstart, so that none collides where the file is one of package
// main itself. State lives in package
// variables, since the hooks are such themselves.
//
// Nothing can import this package: what links it needs -ldflags=-checklinkname=0.
// Package adopt tests it in real programs.
package hook

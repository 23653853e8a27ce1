package adopt

import "slices"

// A Memory keeps, for the builds to come, what was looked up in GOROOT and
// generated for one: that takes some 5 ms, and comes out the same as long as
// the program imports what it did. The zero value is empty. It is not for
// several goroutines at a time.
type Memory struct {
	of    facts
	files map[string][]byte
	err   error
}

// facts are all that the generated files depend on.
type facts struct {
	goroot, goversion, goos, goarch, path string
	http, fastHTTP, grpc, http2           bool
}

func (b Build) facts() facts {
	return facts{b.GOROOT, b.GOVERSION, b.GOOS, b.GOARCH, b.Path, b.imports("net/http"), b.imports(fastHTTP), b.imports(grpc), b.imports(http2)}
}

func (b Build) imports(path string) bool { return slices.Contains(b.Imports, path) }

// generate returns what is added to Dir, by name, if this Go has all that it
// needs.
func (b Build) generate() (map[string][]byte, error) {
	m := b.Memory
	if m == nil {
		m = new(Memory)
	}
	if of := b.facts(); m.of != of {
		m.of = of
		if m.err = b.checkHooks(); m.err == nil {
			m.files, m.err = b.files()
		}
	}
	return m.files, m.err
}

package adopt

import "slices"

// A Cache has the generated files of the last build. They take some 5 ms to generate, and stay the same while the
// program imports the same packages. The zero value is empty. A Cache is not safe for concurrent use.
type Cache struct {
	key   cacheKey
	files map[string][]byte
	err   error
}

// cacheKey has everything that the generated files depend on.
type cacheKey struct {
	goroot, goversion, goos, goarch, path string
	http, fastHTTP, grpc, h2c             bool
}

func (b Build) cacheKey() cacheKey {
	return cacheKey{b.GOROOT, b.GOVERSION, b.GOOS, b.GOARCH, b.Path, b.imports("net/http"), b.imports(fastHTTP), b.imports(grpc), b.imports(h2c)}
}

func (b Build) imports(path string) bool { return slices.Contains(b.Imports, path) }

// generate returns the files to add to Dir, by name, or a *RefusedError if this Go lacks a hook.
func (b Build) generate() (map[string][]byte, error) {
	c := b.Cache
	if c == nil {
		c = new(Cache)
	}
	if key := b.cacheKey(); c.key != key {
		c.key = key
		if c.err = b.checkHooks(); c.err == nil {
			c.files, c.err = b.files()
		}
	}
	return c.files, c.err
}

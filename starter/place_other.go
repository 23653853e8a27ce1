//go:build !linux

package starter

// A pathWatch would tell when a path is removed. Here paths are looked at when
// workers come and go.
type pathWatch struct{}

func watchPath(string) *pathWatch { return nil }

func (*pathWatch) run(func()) {}

func (*pathWatch) close() {}

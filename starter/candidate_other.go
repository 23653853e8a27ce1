//go:build !linux

package starter

import "os"

// look finds out nothing: without /proc, and without a way to ask for the
// holder of a lock of flock(2), what counts is that nobody but root and this
// user can have written the file.
func (c *candidate) look(*os.File, int) { c.user = -1 }

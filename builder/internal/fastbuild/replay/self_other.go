//go:build !linux

package replay

import (
	"errors"
	"fmt"
	"runtime"
)

// self returns an error: build IDs were tested with the ELF files of Linux alone.
func self() (string, error) {
	return "", fmt.Errorf("building without the go command on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

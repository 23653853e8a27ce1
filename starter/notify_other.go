//go:build !linux

package starter

import (
	"os"
	"path/filepath"
)

// notifyName is a file in a folder of its own: only Linux has abstract
// addresses.
func notifyName() (name string, err error) {
	dir, err := os.MkdirTemp("", "hotstart-notify-")
	return filepath.Join(dir, "socket"), err
}

func removeNotify(name string) { os.RemoveAll(filepath.Dir(name)) }

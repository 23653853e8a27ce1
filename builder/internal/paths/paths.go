// Package paths answers simple questions about file names and the files behind them.
package paths

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// IsLocal reports whether the go command takes a path for a directory and not for an import
// path.
func IsLocal(path string) bool {
	return path == "." || path == ".." || strings.HasPrefix(path, "./") || strings.HasPrefix(path, "../") || filepath.IsAbs(path)
}

// Absolute returns a path that is relative to dir as an absolute, clean path.
func Absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// Below returns the path from dir to a file or directory below it. ok is false if path is
// dir itself or lies elsewhere. Both are clean.
func Below(dir, path string) (rel string, ok bool) {
	if rel, ok = strings.CutPrefix(path, dir); ok && rel != "" && dir != "/" {
		rel, ok = strings.CutPrefix(rel, "/")
	}
	return rel, ok && rel != ""
}

// Inside reports whether path is dir or lies below it. Nothing is inside of "".
func Inside(dir, path string) bool {
	_, ok := Below(dir, path)
	return dir != "" && (ok || dir == path)
}

// Exists reports whether there is a file, a directory or a symbolic link of any kind.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// IsDir reports whether path is a directory, or a symbolic link to one.
func IsDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// IsFile reports whether path is a regular file, or a symbolic link to one.
func IsFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// ExistingDir returns the absolute path of a directory, or an error if it does not exist. It does
// not resolve symbolic links: like the go command, it believes PWD.
func ExistingDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(abs)
	if err == nil && !info.IsDir() {
		err = &os.PathError{Op: "open", Path: abs, Err: syscall.ENOTDIR}
	}
	return abs, err
}

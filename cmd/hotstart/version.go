package main

import "runtime/debug"

// release is set by the linker in released binaries.
var release string

// version is the release, or what the go command knows of a binary that it
// installed.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// release is set by the linker in released binaries.
var release string

func newVersionCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version of hotstart",
		Args:  noArgs,
		Run:   func(cmd *cobra.Command, _ []string) { fmt.Fprintf(cmd.OutOrStdout(), "hotstart %s\n", version()) },
	}
}

// version returns the version, the version of Go, and the platform.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return fmt.Sprintf("%s, %s %s/%s", versionOf(release, info, builtAt()), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// versionOf returns the release, or the version of the module, or the revision of
// the repository, or else the day of the build.
func versionOf(release string, info *debug.BuildInfo, built time.Time) string {
	if release != "" {
		return release
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	vcs := map[string]string{}
	for _, s := range info.Settings {
		vcs[s.Key] = s.Value
	}
	words := []string{"devel"}
	if revision := vcs["vcs.revision"]; revision != "" {
		words = append(words, revision[:min(12, len(revision))])
		if vcs["vcs.modified"] == "true" {
			words[1] += "+dirty"
		}
	} else if !built.IsZero() {
		words = append(words, "built "+built.UTC().Format(time.DateOnly))
	}
	return strings.Join(words, " ")
}

// builtAt returns the modification time of the executable, or zero.
func builtAt() time.Time {
	path, err := os.Executable()
	if err != nil {
		return time.Time{}
	}
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

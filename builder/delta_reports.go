package builder

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// maxReports is the size to which the file of reports grows, in bytes. Older reports are removed.
const maxReports = 64 << 10

// DistrustDelta ends links by delta, because one was wrong. It keeps a report of that, with the
// whole reason, for the developers of hotstart, and returns the name of the file.
func (b *Builder) DistrustDelta(reason string) (file string, err error) {
	first, _, _ := strings.Cut(reason, "\n")
	b.cache.DistrustDelta(errors.New(first))
	dir := cacheDir()
	if dir == "" {
		return "", errors.New("the user has no cache directory")
	}
	report := fmt.Sprintf("%s %s %s/%s %s\n%s\n\n", time.Now().Format(time.RFC3339), b.project.Env.GOVERSION, runtime.GOOS, runtime.GOARCH, b.Package(), reason)
	return keepReport(filepath.Join(dir, "delta-reports.txt"), report)
}

// keepReport adds a report to a file, which only the user can read: the reason may have lines of
// the program's output.
func keepReport(file, report string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", err
	}
	all, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return "", err
	}
	if all = append(all, report...); len(all) > maxReports {
		all = all[len(all)-maxReports:]
		_, all, _ = bytes.Cut(all, []byte("\n\n"))
	}
	return file, os.WriteFile(file, all, 0o600)
}

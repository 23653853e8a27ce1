package session

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
)

// makeTempDir makes a folder in parent for the binaries of one session. If this process
// is killed, the guard of the starter removes the folder.
func makeTempDir(parent string) (string, error) {
	dir, err := os.MkdirTemp(parent, "hotstart-watch-*")
	if err != nil {
		return "", fmt.Errorf("making a folder for the binaries: %w", err)
	}
	if err := checkExec(dir); err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	return dir, nil
}

// checkExec returns an error if programs in a folder can't be executed because its file
// system is mounted noexec.
func checkExec(dir string) error {
	const executable = 1 // X_OK
	probe := filepath.Join(dir, "probe")
	if err := os.WriteFile(probe, nil, 0o700); err != nil {
		return err
	}
	defer os.Remove(probe)
	if syscall.Access(probe, executable) == nil {
		return nil
	}
	return cli.WithHint(
		fmt.Errorf("programs can't be executed in %s, where the binaries would be: its file system is mounted noexec", filepath.Dir(dir)),
		"mkdir -p ~/.cache/hotstart && GOTMPDIR=~/.cache/hotstart hotstart watch")
}

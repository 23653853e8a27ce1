package linktool

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestCopy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	content := bytes.Repeat([]byte("text"), 1<<18)
	if err := os.WriteFile(from, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Copy(from, to); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(to)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := Copy(from, to); !os.IsExist(err) {
		t.Errorf("over a file that exists: %v", err)
	}
}

func TestResources(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("known on Linux alone")
	}
	for name, check := range map[string]func(uint64) error{
		"memory": CheckMemory,
		"disk":   func(need uint64) error { return CheckDisk(t.TempDir(), need) },
	} {
		if err := check(1); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if check(math.MaxUint64) == nil {
			t.Errorf("%s: 16 EB are available", name)
		}
	}
}

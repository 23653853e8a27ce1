package linktool

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestHot(t *testing.T) {
	t.Parallel()
	var h Hot
	c := &Command{Main: "m"}
	archives := map[string]string{"m": "1", "a": "1", "b": "1"}
	with := func(path, file string) map[string]string {
		changed := map[string]string{path: file}
		for path, file := range archives {
			if changed[path] == "" {
				changed[path] = file
			}
		}
		return changed
	}
	expect := func(when string, in map[string]string, want ...string) {
		t.Helper()
		got := h.In(in)
		for _, path := range want {
			if !got[path] {
				t.Errorf("%s: %s is not hot", when, path)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %v, want %q", when, got, want)
		}
	}
	h.Note(c, archives)
	expect("at first", archives, "m")
	archives = with("a", "2")
	h.Note(c, archives)
	expect("after an edit", archives, "m", "a")
	expect("without the import", map[string]string{"m": "1"}, "m")
	for i := range maxHot + 1 {
		archives = with(fmt.Sprint(i), "1")
	}
	h.Note(c, archives)
	expect("after a checkout", archives, "m", "a")
	archives = with("b", "2")
	h.Note(c, archives)
	expect("after another edit", archives, "m", "a", "b")
}

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

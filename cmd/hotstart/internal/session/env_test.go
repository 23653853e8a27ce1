package session

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWithEnvFiles(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"one":    "A=1\n# a comment\nexport B='2 $A'\nREAL=file\nEMPTY=file\n",
		"two":    "A=other\nC=\"3\\n3\"\nD=${C}!\n",
		"broken": "A=\"1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := withEnvFiles([]string{"REAL=real", "EMPTY="}, dir, []string{"one", "none", filepath.Join(dir, "two")})
	want := []string{"REAL=real", "EMPTY=", "A=1", "B=2 $A", "C=3\n3", "D=3\n3!"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := withEnvFiles(nil, dir, []string{"broken"}); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "broken")) {
		t.Errorf("%v", err)
	}
}

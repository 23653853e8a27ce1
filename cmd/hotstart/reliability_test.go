package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each test and script that docs/reliability.md names as the proof of a promise must
// exist.
func TestPromisesAreHeld(t *testing.T) {
	doc, err := os.ReadFile("../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testsBelow(t, "../..")
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(string(doc), -1)
	if len(named) == 0 {
		t.Error("no test is named")
	}
	for _, m := range named {
		if !strings.Contains(tests, "\nfunc "+m[1]+"(") {
			t.Errorf("there is no %s", m[1])
		}
	}
	for _, line := range regexp.MustCompile("scripts? (`[^|;]*`)").FindAllStringSubmatch(string(doc), -1) {
		for name := range strings.SplitSeq(line[1], ", ") {
			script := filepath.Join("testdata/script", strings.Trim(name, "`")+".txtar")
			if _, err := os.Stat(script); err != nil {
				t.Error(err)
			}
		}
	}
}

// testsBelow returns every test file of the repository in one text.
func testsBelow(t *testing.T, root string) string {
	t.Helper()
	var all strings.Builder
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(filepath.Join(root, path))
		all.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

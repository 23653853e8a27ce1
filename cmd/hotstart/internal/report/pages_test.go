package report

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hotstart/hotstart/builder"
)

func TestExcerpt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte("package main\n\nfunc main() {\n\tx := 1\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := `      2 | 
      3 | func main() {
>     4 |     x := 1
        |     ^
      5 | }`
	if got := excerpt(builder.Diagnostic{File: file, Line: 4, Column: 2}); got != want {
		t.Errorf("\n%s\nnot\n%s", got, want)
	}
	if got := excerpt(builder.Diagnostic{File: file, Line: 0, Column: 0}); got != "" {
		t.Errorf("%q", got)
	}
	if got := excerpt(builder.Diagnostic{File: "none", Line: 1, Column: 1}); got != "" {
		t.Errorf("%q", got)
	}
}

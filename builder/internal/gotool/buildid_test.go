package gotool

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

func TestContentID(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, content, want string
		err                 error
	}{
		{"a Mach-O file", "\xcf\xfa\xed\xfe text \xff Go build ID: \"a/b/c/d\"\n \xff more", "d", nil},
		{"an unfinished ID", "\xcf\xfa\xed\xfe text \xff Go build ID: \"a/b/c/d", "", nil},
		{"another program", "#!/bin/sh\n", "", nil},
		{"a broken ELF file", "\x7fELF", "", nil},
		{"a library", "!<arch>\n\xff Go build ID: \"a/b\"\n \xff", "", ErrArchive},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "file")
			buildtest.Write(t, file, test.content)
			if id, err := ContentID(file); id != test.want || !errors.Is(err, test.err) {
				t.Errorf("%q, %v; want %q, %v", id, err, test.want, test.err)
			}
		})
	}
}

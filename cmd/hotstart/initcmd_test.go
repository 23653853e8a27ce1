package main

import (
	"io"
	"os"
	"testing"
)

// A link in the place of hotstart.toml, which another user may have made, costs no file.
func TestInitFollowsNoLink(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFiles(t, ".", map[string]string{"victim": "precious"})
	if err := os.Symlink("victim", configName); err != nil {
		t.Fatal(err)
	}
	if code := run([]string{"init"}, io.Discard, io.Discard); code == exitOK {
		t.Error("it wrote over what was there")
	}
	if code := run([]string{"init", "--force"}, io.Discard, io.Discard); code != exitOK {
		t.Errorf("with --force: exit code %d", code)
	}
	if b, err := os.ReadFile("victim"); err != nil || string(b) != "precious" {
		t.Errorf("the file at the end of the link is %.40q now, %v", b, err)
	}
	if info, err := os.Lstat(configName); err != nil || !info.Mode().IsRegular() {
		t.Errorf("%s: %v, %v", configName, info, err)
	}
}

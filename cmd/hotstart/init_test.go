package main

import (
	"errors"
	"io"
	"os"
	"testing"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/air"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

// A link in the place of hotstart.toml, which another user may have made, costs no file.
func TestInitFollowsNoLink(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := errors.Join(os.WriteFile("victim", []byte("precious"), 0o600), os.Symlink("victim", settings.FileName)); err != nil {
		t.Fatal(err)
	}
	if code := run([]string{"init"}, io.Discard, io.Discard); code == cli.OK {
		t.Error("it wrote over what was there")
	}
	if code := run([]string{"init", "--force"}, io.Discard, io.Discard); code != cli.OK {
		t.Errorf("with --force: exit code %d", code)
	}
	if b, err := os.ReadFile("victim"); err != nil || string(b) != "precious" {
		t.Errorf("the file at the end of the link is %.40q now, %v", b, err)
	}
	if info, err := os.Lstat(settings.FileName); err != nil || !info.Mode().IsRegular() {
		t.Errorf("%s: %v, %v", settings.FileName, info, err)
	}
}

// The converted settings of air are valid.
func TestConvertedAirSettingsAreValid(t *testing.T) {
	text := "env_files = ['.env']\n[build]\npre_cmd = ['a']\ncmd = 'go build -race .'\npost_cmd = ['b']\nargs_bin = ['c']\n" +
		"include_ext = ['html']\nexclude_dir = ['d']\ninclude_file = ['e']\npoll = true\nsend_interrupt = true\nkill_delay = '1s'\n" +
		"[[build.rules]]\ncmd = 'f'\ninclude_ext = ['css']\n[screen]\nclear_on_rebuild = true\n[color]\nmode = 'always'\n" +
		"[proxy]\nenabled = true\napp_port = 80\napp_start_timeout = 1"
	set := newWatchFlags(nil).set
	text, _, err := air.Convert(text)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := settings.Parse("hotstart.toml", text)
	if err == nil {
		_, err = set.Fill(nil, nil, doc)
	}
	if err != nil {
		t.Errorf("%v in\n%s", err, text)
	}
}

package main

import (
	"testing"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

// What air's settings become can be read by the flags that there are.
func TestFromAirIsRead(t *testing.T) {
	air := "env_files = ['.env']\n[build]\npre_cmd = ['a']\ncmd = 'go build -race .'\npost_cmd = ['b']\nargs_bin = ['c']\n" +
		"include_ext = ['html']\nexclude_dir = ['d']\ninclude_file = ['e']\npoll = true\nsend_interrupt = true\nkill_delay = '1s'\n" +
		"[[build.rules]]\ncmd = 'f'\ninclude_ext = ['css']\n[screen]\nclear_on_rebuild = true\n[color]\nmode = 'always'\n" +
		"[proxy]\nenabled = true\napp_port = 80\napp_start_timeout = 1"
	set := newWatchFlags(nil).set
	text, _, err := settings.FromAir(air, set.Has)
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

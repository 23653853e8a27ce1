package daemon

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter"
)

// over returns the environment of a worker whose own is base.
func over(d *EnvDir, base []string) ([]string, error) {
	s := starter.Start{Env: base}
	err := d.Apply(&s)
	return s.Env, err
}

func TestVariablesOfAFolder(t *testing.T) {
	t.Parallel()
	d := NewEnvDir(t.TempDir())
	put := func(name, content string) { os.WriteFile(filepath.Join(d.path, name), []byte(content), 0o644) }
	put("COLOR", "red\nignored\n")
	put("BARE", "no newline")
	put("BLANK", "\n")
	put("EMPTY", "")
	put(".HIDDEN", "1\n")
	os.Mkdir(filepath.Join(d.path, "FOLDER"), 0o755)
	base := []string{"PATH=/bin", "COLOR=blue", "EMPTY=kept"}
	env, err := over(d, base)
	if want := []string{"PATH=/bin", "EMPTY=kept", "BARE=no newline", "BLANK=", "COLOR=red"}; err != nil || !slices.Equal(env, want) {
		t.Errorf("%q, %v; want %q", env, err, want)
	}
	os.Remove(filepath.Join(d.path, "COLOR"))
	env, err = over(d, base)
	if want := []string{"PATH=/bin", "EMPTY=kept", "BARE=no newline", "BLANK="}; err != nil || !slices.Equal(env, want) {
		t.Errorf("%q, %v; want %q: a variable whose file was removed is removed", env, err, want)
	}
}

func TestAFolderOfVariablesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	d := NewEnvDir(filepath.Join(t.TempDir(), "env"))
	if env, err := over(d, []string{"A=1"}); err == nil || !slices.Equal(env, []string{"A=1"}) {
		t.Errorf("%q, %v", env, err)
	}
	os.Mkdir(d.path, 0o755)
	os.WriteFile(filepath.Join(d.path, "A"), []byte("2\n"), 0o644)
	over(d, nil)
	os.Rename(d.path, d.path+".away")
	if env, err := over(d, []string{"A=1"}); err == nil || !slices.Equal(env, []string{"A=2"}) {
		t.Errorf("%q, %v: the values read last count", env, err)
	}
}

// As in start_server, the other files are read.
func TestOneVariableThatCannotBeRead(t *testing.T) {
	t.Parallel()
	d := NewEnvDir(t.TempDir())
	file := func(name string) string { return filepath.Join(d.path, name) }
	loop := func(name string) {
		os.Remove(file(name))
		os.Symlink(name, file(name)) // not readable, not even by root
	}
	os.WriteFile(file("GOOD"), []byte("1\n"), 0o644)
	os.WriteFile(file("LATER"), []byte("2\n"), 0o644)
	loop("BAD")
	base := []string{"BAD=base", "LATER=base"}
	env, err := over(d, base)
	if want := []string{"BAD=base", "GOOD=1", "LATER=2"}; err == nil || !strings.Contains(err.Error(), file("BAD")) || !slices.Equal(env, want) {
		t.Errorf("%q, %v; want %q", env, err, want)
	}
	loop("LATER")
	os.WriteFile(file("GOOD"), []byte("3\n"), 0o644)
	env, err = over(d, base)
	if want := []string{"BAD=base", "GOOD=3", "LATER=2"}; err == nil || !slices.Equal(env, want) {
		t.Errorf("%q, %v; want %q: the last value counts", env, err, want)
	}
}

func TestAFolderSetsThePace(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		folder      []string // names of its files
		env         []string
		auto, delay time.Duration
		bad         bool
	}{
		{nil, []string{"KILL_OLD_DELAY=9"}, 60 * time.Second, 2 * time.Second, false},
		{[]string{"KILL_OLD_DELAY"}, []string{"KILL_OLD_DELAY=9"}, 60 * time.Second, 9 * time.Second, false},
		{[]string{"ENABLE_AUTO_RESTART"}, []string{"ENABLE_AUTO_RESTART=1"}, 360 * time.Second, 5 * time.Second, false},
		{[]string{"ENABLE_AUTO_RESTART"}, []string{"ENABLE_AUTO_RESTART=0", "AUTO_RESTART_INTERVAL=7"}, 0, 0, false},
		{[]string{"AUTO_RESTART_INTERVAL"}, []string{"ENABLE_AUTO_RESTART=1", "AUTO_RESTART_INTERVAL=7", "KILL_OLD_DELAY=0"}, 7 * time.Second, 0, false},
		{[]string{"ENABLE_AUTO_RESTART"}, nil, 0, 0, false}, // the folder had the variable
		{[]string{"KILL_OLD_DELAY"}, []string{"KILL_OLD_DELAY=soon"}, 60 * time.Second, 2 * time.Second, true},
		{[]string{"KILL_OLD_DELAY"}, []string{"KILL_OLD_DELAY=1.5"}, 60 * time.Second, 1500 * time.Millisecond, false},
		{[]string{"KILL_OLD_DELAY"}, []string{"KILL_OLD_DELAY=2m"}, 60 * time.Second, 2 * time.Minute, false},
		{[]string{"KILL_OLD_DELAY"}, []string{"KILL_OLD_DELAY="}, 60 * time.Second, 0, false},
		{[]string{"KILL_OLD_DELAY"}, []string{"KILL_OLD_DELAY=7\r"}, 60 * time.Second, 7 * time.Second, false},
		{[]string{"AUTO_RESTART_INTERVAL"}, []string{"AUTO_RESTART_INTERVAL=1.5"}, 1500 * time.Millisecond, 2 * time.Second, false},
		{[]string{"AUTO_RESTART_INTERVAL"}, []string{"AUTO_RESTART_INTERVAL=0"}, 360 * time.Second, 2 * time.Second, false},
		{[]string{"KILL_OLD_DELAY"}, []string{"AUTO_RESTART_INTERVAL=soon", "KILL_OLD_DELAY=9"}, 60 * time.Second, 9 * time.Second, true}, // the valid one counts
	} {
		d := NewEnvDir("")
		for _, name := range test.folder {
			d.had[name] = true
		}
		s := starter.Start{Env: test.env, AutoRestart: 60 * time.Second, KillOldDelay: 2 * time.Second}
		err := d.pace(&s)
		if s.AutoRestart != test.auto || s.KillOldDelay != test.delay || (err != nil) != test.bad {
			t.Errorf("%v with %v: %v, %v, %v", test.env, test.folder, s.AutoRestart, s.KillOldDelay, err)
		}
	}
}

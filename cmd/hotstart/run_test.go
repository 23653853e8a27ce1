package main

import (
	"os"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

func TestSeconds(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"3": 3 * time.Second, "0": 0, "0.25": 250 * time.Millisecond, "1m30s": 90 * time.Second, "5m": 5 * time.Minute, "1e1": 10 * time.Second,
	} {
		var d, again time.Duration
		if err := seconds(&d).Set(text); err != nil || d != want {
			t.Errorf("%s is %v, %v", text, d, err)
		}
		if err := seconds(&again).Set(seconds(&d).String()); err != nil || again != d {
			t.Errorf("%s is shown as %s", text, seconds(&d))
		}
	}
	for _, text := range []string{"", "-1", "-1s", "soon", "NaN", "Inf", "1e30", "3 s"} {
		d := time.Second
		if err := seconds(&d).Set(text); err == nil || d != time.Second {
			t.Errorf("%q is %v", text, d)
		}
	}
}

// Flags, variables, and the variables that workers get.
func TestOptionsAndVariables(t *testing.T) {
	names := []string{"ENVDIR", "ENABLE_AUTO_RESTART", "AUTO_RESTART_INTERVAL", "KILL_OLD_DELAY"}
	for _, test := range []struct {
		env         [4]string
		args        []string
		auto        bool
		every       time.Duration
		delay       time.Duration
		environment [4]string // afterwards
	}{
		{every: 360 * time.Second},
		{args: []string{"--enable-auto-restart"}, auto: true, every: 360 * time.Second, delay: 5 * time.Second, environment: [4]string{1: "1"}},
		{
			args: []string{"--enable-auto-restart", "--kill-old-delay=0", "--auto-restart-interval", "90"},
			auto: true, every: 90 * time.Second, environment: [4]string{"", "1", "90", "0"},
		},
		{
			env: [4]string{"", "1", "7", "2"}, auto: true, every: 7 * time.Second, delay: 2 * time.Second,
			environment: [4]string{"", "1", "7", "2"},
		},
		{env: [4]string{1: "0"}, every: 360 * time.Second, environment: [4]string{1: "0"}},
		{
			env: [4]string{3: "2"}, args: []string{"--kill-old-delay=4"}, every: 360 * time.Second, delay: 4 * time.Second,
			environment: [4]string{3: "4"},
		},
	} {
		for i, name := range names {
			t.Setenv(name, test.env[i])
		}
		o := newRunOptions()
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		settings.NewSet(nil, o.table()...).AddTo(f)
		if err := f.Parse(test.args); err != nil {
			t.Fatal(err)
		}
		if err := o.fromEnvironment(f); err != nil {
			t.Fatal(err)
		}
		if o.autoRestart != test.auto || o.autoInterval != test.every || o.starter.KillOldDelay != test.delay {
			t.Errorf("%v %v: %v, %v, %v", test.env, test.args, o.autoRestart, o.autoInterval, o.starter.KillOldDelay)
		}
		for i, name := range names {
			if got := os.Getenv(name); got != test.environment[i] {
				t.Errorf("%v %v: %s=%q, want %q", test.env, test.args, name, got, test.environment[i])
			}
		}
	}
}

func TestInvalidVariable(t *testing.T) {
	t.Setenv("KILL_OLD_DELAY", "soon")
	o := newRunOptions()
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	settings.NewSet(nil, o.table()...).AddTo(f)
	if err := o.fromEnvironment(f); err == nil {
		t.Error("KILL_OLD_DELAY=soon was taken")
	}
}

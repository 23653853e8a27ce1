package main

import (
	"os"
	"testing"
	"time"
)

func TestSeconds(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"3": 3 * time.Second, "0": 0, "0.25": 250 * time.Millisecond, "1m30s": 90 * time.Second, "5m": 5 * time.Minute, "1e1": 10 * time.Second,
	} {
		var s seconds
		if err := s.Set(text); err != nil || time.Duration(s) != want {
			t.Errorf("%s is %v, %v", text, time.Duration(s), err)
		}
		var again seconds
		if err := again.Set(s.String()); err != nil || again != s {
			t.Errorf("%s is shown as %s", text, s.String())
		}
	}
	for _, text := range []string{"", "-1", "-1s", "soon", "NaN", "Inf", "1e30", "3 s"} {
		s := seconds(time.Second)
		if err := s.Set(text); err == nil || s != seconds(time.Second) {
			t.Errorf("%q is %v", text, time.Duration(s))
		}
	}
}

// What flags and variables say, and what workers find of it.
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
		o := &runOptions{}
		f := o.flagSet()
		if err := f.Parse(test.args); err != nil {
			t.Fatal(err)
		}
		if err := o.fromEnvironment(f); err != nil {
			t.Fatal(err)
		}
		if o.autoRestart != test.auto || time.Duration(o.autoInterval) != test.every || time.Duration(o.killOldDelay) != test.delay {
			t.Errorf("%v %v: %v, %v, %v", test.env, test.args, o.autoRestart, o.autoInterval, o.killOldDelay)
		}
		for i, name := range names {
			if got := os.Getenv(name); got != test.environment[i] {
				t.Errorf("%v %v: %s=%q, want %q", test.env, test.args, name, got, test.environment[i])
			}
		}
	}
}

func TestVariablesThatCannotBeMeant(t *testing.T) {
	t.Setenv("KILL_OLD_DELAY", "soon")
	o := &runOptions{}
	if err := o.fromEnvironment(o.flagSet()); err == nil {
		t.Error("KILL_OLD_DELAY=soon was taken")
	}
}

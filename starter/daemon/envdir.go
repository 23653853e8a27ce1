package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hotstart/hotstart/starter"
)

// An EnvDir is a folder with one file per environment variable, whose first
// line is the value. Names with a leading dot and empty files are ignored.
type EnvDir struct {
	path string
	had  map[string]bool // names of all variables so far
	last []string        // the variables, as read last
}

// NewEnvDir returns the EnvDir at a path, and does not read it.
func NewEnvDir(path string) *EnvDir { return &EnvDir{path: path, had: map[string]bool{}} }

// Apply reads the folder, and replaces variables in the environment of a worker
// by those of the folder. A variable whose file was removed is removed, even if
// the environment has one of that name. One that can't be read keeps its last
// value; the error says so. If the folder has one of ENABLE_AUTO_RESTART,
// AUTO_RESTART_INTERVAL and KILL_OLD_DELAY, these replace AutoRestart and
// KillOldDelay, as with start_server. Apply is meant for
// starter.Options.BeforeStart.
func (d *EnvDir) Apply(s *starter.Start) error {
	vars, err := d.read()
	if vars != nil {
		d.last = vars
	}
	for _, v := range d.last {
		d.had[nameOf(v)] = true
	}
	base := slices.DeleteFunc(slices.Clone(s.Env), func(v string) bool { return d.had[nameOf(v)] })
	s.Env = append(base, d.last...)
	return errors.Join(err, d.pace(s))
}

func nameOf(variable string) string {
	name, _, _ := strings.Cut(variable, "=")
	return name
}

// read returns the variables, or nil if the folder can't be read.
func (d *EnvDir) read() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, fmt.Errorf("reading variables: %w", err)
	}
	vars := []string{}
	var errs []error
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.Contains(name, "=") {
			continue
		}
		value, found, err := firstLine(filepath.Join(d.path, name))
		if err != nil {
			errs = append(errs, fmt.Errorf("reading variables: %w; the others are read", err))
			value, found = lookup(d.last, name)
		}
		if found {
			vars = append(vars, name+"="+value)
		}
	}
	return vars, errors.Join(errs...)
}

func firstLine(path string) (line string, found bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", false, nil // removed since the folder was read
	case err != nil:
		return "", false, err
	case !info.Mode().IsRegular():
		return "", false, nil
	}
	b, err := os.ReadFile(path)
	line, _, _ = strings.Cut(string(b), "\n")
	return strings.ReplaceAll(line, "\x00", ""), len(b) > 0, err
}

// The variables that start_server reads from its own environment, and so from
// the folder.
const (
	autoRestartVariable  = "ENABLE_AUTO_RESTART"
	autoIntervalVariable = "AUTO_RESTART_INTERVAL"
	killOldDelayVariable = "KILL_OLD_DELAY"
)

// start_server's values if a variable enables automatic restarts and no other
// variable sets them.
const (
	defaultAutoInterval = 360 * time.Second
	defaultAutoDelay    = 5 * time.Second
)

// pace sets AutoRestart and KillOldDelay by the environment, if the folder has
// or had one of the three variables. An invalid duration counts as unset.
func (d *EnvDir) pace(s *starter.Start) error {
	if !d.had[autoRestartVariable] && !d.had[autoIntervalVariable] && !d.had[killOldDelayVariable] {
		return nil
	}
	if on, _ := lookup(s.Env, autoRestartVariable); on != "" || d.had[autoRestartVariable] {
		s.AutoRestart, s.KillOldDelay = 0, 0
		if on != "" && on != "0" {
			s.AutoRestart, s.KillOldDelay = defaultAutoInterval, defaultAutoDelay
		}
	}
	var err1 error
	if s.AutoRestart > 0 {
		var interval time.Duration
		interval, err1 = secondsOf(s.Env, autoIntervalVariable, s.AutoRestart)
		if s.AutoRestart = max(interval, time.Second); interval == 0 {
			s.AutoRestart = defaultAutoInterval // start_server's: $ENV{AUTO_RESTART_INTERVAL} ||= 360
		}
	}
	delay, err2 := secondsOf(s.Env, killOldDelayVariable, s.KillOldDelay)
	s.KillOldDelay = delay
	return errors.Join(err1, err2)
}

// lookup returns the last value of a variable.
func lookup(env []string, name string) (value string, found bool) {
	for _, v := range slices.Backward(env) {
		if n, value, _ := strings.Cut(v, "="); n == name {
			return value, true
		}
	}
	return "", false
}

// secondsOf returns the value of a variable, or otherwise if it is unset or
// invalid. The empty value is 0, as in Perl.
func secondsOf(env []string, name string, otherwise time.Duration) (time.Duration, error) {
	v, found := lookup(env, name)
	switch {
	case !found:
		return otherwise, nil
	case v == "":
		return 0, nil
	}
	d, err := ParseSeconds(v)
	if err != nil {
		return otherwise, fmt.Errorf("reading variables: %s: %w", name, err)
	}
	return d, nil
}

package starter

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An envDir is a folder of variables, a file each.
type envDir struct {
	path string          // "": there is none
	had  map[string]bool // every name that it ever had
	last []string        // what was read last
}

// over puts the folder's variables over those of base. A variable whose file
// is gone is gone too, whatever base has. One that can't be read keeps its
// value: the folder's last one, or that of base.
func (d *envDir) over(base []string) ([]string, error) {
	if d.path == "" {
		return base, nil
	}
	vars, err := d.read()
	if vars != nil {
		d.last = vars
	}
	for _, v := range d.last {
		name, _, _ := strings.Cut(v, "=")
		d.had[name] = true
	}
	for name := range d.had {
		base = without(base, name)
	}
	return append(base, d.last...), err
}

// read reads the first line of every file. An empty file is no variable. The
// variables are nil if the folder itself can't be read.
func (d *envDir) read() ([]string, error) {
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
		return "", false, nil // it went after the folder was read
	case err != nil:
		return "", false, err
	case !info.Mode().IsRegular():
		return "", false, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	line, err = bufio.NewReader(f).ReadString('\n')
	if line == "" {
		return "", false, nil
	}
	return strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\x00", ""), true, nil
}

// What start_server reads of its own environment, and so of the folder.
const (
	autoRestartVariable  = "ENABLE_AUTO_RESTART"
	autoIntervalVariable = "AUTO_RESTART_INTERVAL"
	killOldDelayVariable = "KILL_OLD_DELAY"
)

// start_server's, where a variable turns automatic restarts on and says no more.
const (
	defaultAutoInterval = 360 * time.Second
	defaultAutoDelay    = 5 * time.Second
)

// pace is Options.AutoRestart and Options.KillOldDelay, or what env, a
// worker's, says instead where the folder has one of these variables. One
// that is not a time counts as if it were not there.
func (d *envDir) pace(o Options, env []string) (autoRestart, killOldDelay time.Duration, err error) {
	autoRestart, killOldDelay = o.AutoRestart, o.KillOldDelay
	names := []string{autoRestartVariable, autoIntervalVariable, killOldDelayVariable}
	if !slices.ContainsFunc(names, func(name string) bool { return d.had[name] }) {
		return autoRestart, killOldDelay, nil
	}
	if on, _ := lookup(env, autoRestartVariable); on != "" || d.had[autoRestartVariable] {
		autoRestart, killOldDelay = 0, 0
		if on != "" && on != "0" {
			autoRestart, killOldDelay = defaultAutoInterval, defaultAutoDelay
		}
	}
	if autoRestart > 0 {
		interval, err1 := secondsOf(env, autoIntervalVariable, autoRestart)
		if autoRestart, err = max(interval, time.Second), err1; interval == 0 {
			autoRestart = defaultAutoInterval // start_server's: $ENV{AUTO_RESTART_INTERVAL} ||= 360
		}
	}
	killOldDelay, err2 := secondsOf(env, killOldDelayVariable, killOldDelay)
	return autoRestart, killOldDelay, errors.Join(err, err2)
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

// secondsOf reads a variable; an empty one is 0, as in Perl.
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

// ParseSeconds reads a time as start_server's options have it, a number of
// seconds, or with its unit: 3, 0.5, 1m30s. It is never negative.
func ParseSeconds(s string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.TrimSpace(s))
	if n, err2 := strconv.ParseFloat(strings.TrimSpace(s), 64); err2 == nil {
		d, err = time.Duration(n*float64(time.Second)), nil
		if !(n >= 0 && n < 1e9) {
			d = -1
		}
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a time: want a number of seconds such as 1.5, or a duration such as 1m30s", s)
	}
	return d, nil
}

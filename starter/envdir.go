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
// is gone is gone too, whatever base has.
func (d *envDir) over(base []string) ([]string, error) {
	if d.path == "" {
		return base, nil
	}
	vars, err := d.read()
	if err == nil {
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

// read reads the first line of every file. An empty file is no variable.
func (d *envDir) read() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, fmt.Errorf("reading variables: %w", err)
	}
	var vars []string
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.Contains(name, "=") {
			continue
		}
		value, found, err := firstLine(filepath.Join(d.path, name))
		if err != nil {
			return nil, fmt.Errorf("reading variables: %w", err)
		}
		if found {
			vars = append(vars, name+"="+value)
		}
	}
	return vars, nil
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
// worker's, says instead if the folder has a say in it.
func (d *envDir) pace(o Options, env []string) (autoRestart, killOldDelay time.Duration, err error) {
	autoRestart, killOldDelay = o.AutoRestart, o.KillOldDelay
	names := []string{autoRestartVariable, autoIntervalVariable, killOldDelayVariable}
	if !slices.ContainsFunc(names, func(name string) bool { return d.had[name] }) {
		return autoRestart, killOldDelay, nil
	}
	if on := value(env, autoRestartVariable); on != "" || d.had[autoRestartVariable] {
		autoRestart, killOldDelay = 0, 0
		if on != "" && on != "0" {
			autoRestart, killOldDelay = defaultAutoInterval, defaultAutoDelay
		}
	}
	if autoRestart > 0 {
		autoRestart, err = secondsOf(env, autoIntervalVariable, autoRestart)
	}
	killOldDelay, err2 := secondsOf(env, killOldDelayVariable, killOldDelay)
	if err = errors.Join(err, err2); err != nil {
		return o.AutoRestart, o.KillOldDelay, err
	}
	return autoRestart, killOldDelay, nil
}

// value is the last of a variable's, or empty.
func value(env []string, name string) string {
	for _, v := range slices.Backward(env) {
		if n, value, _ := strings.Cut(v, "="); n == name {
			return value
		}
	}
	return ""
}

func secondsOf(env []string, name string, otherwise time.Duration) (time.Duration, error) {
	v := value(env, name)
	if v == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(v, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("reading variables: %s=%q is not a number of seconds", name, v)
	}
	return time.Duration(n) * time.Second, nil
}

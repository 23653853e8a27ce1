package air

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

// fixedNotes has the note of each key of air that has no equivalent.
var fixedNotes = map[string]string{
	"tmp_dir":                         "none: binaries are kept outside of the project",
	"testdata_dir":                    "none: only the inputs of the build are watched",
	"build.bin":                       "none: hotstart chooses the path of the binary",
	"build.log":                       "none: errors stay on the screen, and in the browser, until they are fixed",
	"build.exclude_unchanged":         "none: always on; a file counts as changed when its content has changed",
	"build.ignore_dangerous_root_dir": "none: only the inputs of the build are watched",
	"build.follow_symlink":            "none: packages are watched in the folder where the go command finds them; add other folders to watch",
	"build.delay":                     "none: a build begins at once, and a newer change cancels it",
	"build.stop_on_error":             "none: while the code does not build, the old program keeps serving and hotstart shows the error",
	"build.rerun":                     "none: a program that crashes is restarted; one that exits with status 0 is restarted after a change",
	"build.rerun_delay":               "none: the pause between two starts grows with each failed start",
	"build.windows":                   "none: hotstart does not run on Windows",
	"build.darwin":                    "none: set what differs by environment variables, for example HOTSTART_ARGS",
	"build.linux":                     "none: set what differs by environment variables, for example HOTSTART_ARGS",
	"build.include_dir":               "nothing for Go: the build names its files; for other extensions see build.include_ext",
	"color":                           "none: colours are those of the terminal",
	"color.app":                       "none: the output of the program is passed through unchanged",
	"log.time":                        "none: --log-format=json adds the time to each event",
	"log.main_only":                   "none: hotstart prints one line per reload",
	"log.silent":                      "none: hotstart prints one line per reload, on stderr",
	"misc.clean_on_exit":              "none: always on",
	"misc.startup_banner":             "none: there is no banner",
	"screen.keep_scroll":              "see screen.clear_on_rebuild",
	"proxy.proxy_port":                "none: there is no proxy; use the program's own port",
}

// sameLists has the key of hotstart for each list that is converted as it is.
var sameLists = map[string]string{
	"env_files": "env-file", "build.pre_cmd": "before", "build.post_cmd": "on-stop", "build.args_bin": "args",
	"build.include_file": "watch", "build.exclude_file": "ignore",
}

// conversions has a function for every other key. It returns the note.
var conversions = map[string]func(*converter) string{
	"root":                    (*converter).root,
	"build.cmd":               (*converter).command,
	"build.entrypoint":        func(a *converter) string { return a.arguments(a.list("build.entrypoint")) },
	"build.full_bin":          (*converter).fullBin,
	"build.include_ext":       (*converter).extensions,
	"build.exclude_dir":       (*converter).excludedFolders,
	"build.exclude_regex":     (*converter).expressions,
	"build.poll":              (*converter).poll,
	"build.poll_interval":     (*converter).poll,
	"build.send_interrupt":    (*converter).interrupt,
	"build.kill_delay":        (*converter).killDelay,
	"build.rules":             (*converter).rules,
	"color.mode":              (*converter).color,
	"screen.clear_on_rebuild": (*converter).clearScreen,
	"proxy.enabled":           (*converter).proxy,
	"proxy.app_port":          (*converter).proxiedPort,
	"proxy.app_start_timeout": (*converter).proxyTimeout,
}

// convert converts a key, and returns its replacement for the note.
func (a *converter) convert(key string) string {
	parent := key[:max(strings.LastIndex(key, "."), 0)]
	if list, ok := sameLists[key]; ok {
		return a.add(list, a.list(key)...)
	}
	for _, name := range []string{key, parent} { // build.windows for build.windows.cmd
		if note, ok := fixedNotes[name]; ok {
			return note
		}
		if parent == "proxy" && !a.on("proxy.enabled") {
			return "nothing: the proxy was off"
		}
		if convert, ok := conversions[name]; ok {
			return convert(a)
		}
	}
	return "none: unknown key of air v1.67"
}

func (a *converter) root() string {
	if root := path.Clean(a.text("root")); root != "." {
		return fmt.Sprintf("none: hotstart works in the folder of hotstart.toml; move it to %s", root)
	}
	return "nothing: hotstart works in the folder of hotstart.toml"
}

func (a *converter) color() string {
	if mode := a.text("color.mode"); mode != "" {
		return a.set("color", mode)
	}
	return sameDefault
}

const sameDefault = "nothing: the default is the same"

func (a *converter) clearScreen() string {
	switch {
	case !a.on("screen.clear_on_rebuild"):
		return sameDefault
	case a.get("screen.keep_scroll") == false:
		return a.set("clear", "all")
	}
	return a.set("clear", "screen")
}

func (a *converter) proxy() string {
	return a.set("browser", "0") + "; pages include its script, see docs/browser.md"
}

func (a *converter) proxiedPort() string {
	return a.add("port", fmt.Sprint(a.get("proxy.app_port")))
}

func (a *converter) proxyTimeout() string {
	n, _ := a.get("proxy.app_start_timeout").(int64)
	if n == 0 {
		return "nothing: the default is longer"
	}
	return a.set("ready-timeout", (time.Duration(n) * time.Millisecond).String())
}

// excludedFolders converts the folders, without air's default, which can contain
// files that the build reads.
func (a *converter) excludedFolders() string {
	own := []string{"assets", "tmp", "vendor", "testdata"}
	named := slices.DeleteFunc(a.list("build.exclude_dir"), func(v string) bool { return slices.Contains(own, v) })
	note := "not for " + strings.Join(own, ", ") + ": only what the build reads counts there"
	if len(named) > 0 {
		note = a.add("ignore", named...) + "; " + note
	}
	return note
}

// extensions converts the extensions of files that the build does not read.
func (a *converter) extensions() string {
	values := slices.DeleteFunc(a.list("build.include_ext"), func(v string) bool { return v == "go" })
	if len(values) == 0 {
		return "nothing: the build names its Go files"
	}
	key := "restart"
	if len(a.list("build.pre_cmd")) > 0 || strings.Contains(a.text("build.cmd"), "&&") {
		key = "watch" // a command before the build may read them
	}
	return a.add(key, patterns(a.list("build.include_dir"), values, nil)...) + "; Go files and embedded ones always count"
}

func (a *converter) expressions() string {
	var rest []string
	for _, v := range a.list("build.exclude_regex") {
		if plain := strings.TrimSuffix(strings.ReplaceAll(v, `\`, ""), "$"); plain != "_test.go" {
			rest = append(rest, v)
		}
	}
	if len(rest) == 0 {
		return "nothing: tests never count"
	}
	return fmt.Sprintf("none: hotstart has patterns instead of regular expressions; rewrite %q as patterns in ignore", rest)
}

func (a *converter) poll() string {
	if !a.on("build.poll") {
		return "nothing: it was off"
	}
	interval := 500 * time.Millisecond
	if n, ok := a.get("build.poll_interval").(int64); ok {
		interval = max(interval, time.Duration(n)*time.Millisecond)
	}
	return a.set("poll", interval.String())
}

// interruptOff is the note of both keys for stopping a program.
const interruptOff = "nothing: it was off; a program gets SIGTERM, and SIGKILL after stop-timeout"

func (a *converter) interrupt() string {
	if !a.on("build.send_interrupt") {
		return interruptOff
	}
	return a.set("stop-signal", "INT")
}

func (a *converter) killDelay() string {
	delay := time.Duration(0)
	switch v := a.get("build.kill_delay").(type) {
	case int64:
		delay = time.Duration(v)
	case string:
		delay, _ = time.ParseDuration(v)
	}
	switch {
	case !a.on("build.send_interrupt"):
		return interruptOff
	case delay < time.Millisecond:
		return fmt.Sprintf("none: %v is too short to stop a program; the default is 10s", delay)
	}
	return a.set("stop-timeout", delay.String())
}

// rules converts the rules, which are tables of hotstart.toml, too.
func (a *converter) rules() string {
	tables, _ := a.get("build.rules").([]map[string]any)
	note := "[[rule]]"
	for _, t := range tables {
		match := patterns(texts(t["include_dir"]), texts(t["include_ext"]), texts(t["include_file"]))
		name, _ := t["name"].(string)
		run, _ := t["cmd"].(string)
		table := "[[rule]]\n"
		if name != "" {
			table += "name = " + settings.Quote(name) + "\n"
		}
		a.tables = append(a.tables, table+"match = "+settings.QuoteList(match)+"\nrun = "+settings.Quote(run)+"\non-change = true\n")
		if expressions := texts(t["exclude_regex"]); len(expressions) > 0 {
			note += fmt.Sprintf("; rewrite %q as patterns in its ignore", expressions)
		}
	}
	return note + "; the files that it writes are built, too"
}

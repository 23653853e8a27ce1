package air

import (
	"strings"
	"testing"
)

// airKeys has every key of air v1.67.
const airKeys = `root = "."
tmp_dir = "tmp"
testdata_dir = "testdata"
env_files = [".env"]
[build]
pre_cmd = ["templ generate"]
cmd = "go build -o ./tmp/main ."
post_cmd = ["echo bye"]
bin = "./tmp/main"
entrypoint = ["./tmp/main"]
full_bin = ""
args_bin = []
log = "build-errors.log"
include_ext = ["go", "html"]
include_dir = []
include_file = []
exclude_dir = ["assets", "tmp", "vendor", "testdata"]
exclude_file = []
exclude_regex = ["_test.go"]
exclude_unchanged = false
ignore_dangerous_root_dir = false
follow_symlink = false
poll = false
poll_interval = 0
delay = 1000
stop_on_error = false
send_interrupt = false
kill_delay = "0s"
rerun = false
rerun_delay = 500
[[build.rules]]
name = "css"
cmd = "make css"
include_dir = ["web"]
include_ext = ["css", "scss"]
include_file = []
exclude_regex = []
delay = 0
[build.windows]
cmd = "x"
[build.darwin]
bin = "x"
[build.linux]
args_bin = ["x"]
[color]
main = "magenta"
watcher = "cyan"
build = "yellow"
runner = "green"
app = ""
mode = ""
[log]
time = false
main_only = false
silent = false
[misc]
clean_on_exit = false
startup_banner = ""
[screen]
clear_on_rebuild = false
keep_scroll = true
[proxy]
enabled = false
proxy_port = 0
app_port = 0
app_start_timeout = 0
`

func TestEveryKeyOfAirHasAnAnswer(t *testing.T) {
	_, notes, err := Convert(airKeys)
	if err != nil {
		t.Fatal(err)
	}
	notesByKey := map[string]string{}
	for _, n := range notes {
		if n.Replacement == "" || strings.Contains(n.Replacement, "unknown key of air") {
			t.Errorf("%s became %q", n.Key, n.Replacement)
		}
		notesByKey[n.Key] = n.Replacement
	}
	table, keys := "", 0
	for _, line := range strings.Split(airKeys, "\n") {
		if strings.HasPrefix(line, "[") {
			table = strings.Trim(line, "[]") + "."
			continue
		}
		key, _, is := strings.Cut(line, " = ")
		if !is || table == "build.rules." {
			continue
		}
		if keys++; notesByKey[table+key] == "" {
			t.Errorf("no note on %s", table+key)
		}
	}
	if keys < 45 || notesByKey["build.rules"] == "" {
		t.Errorf("%d keys were checked; the note on the rules is %q", keys, notesByKey["build.rules"])
	}
}

func TestConvert(t *testing.T) {
	for _, c := range []struct{ name, air, want string }{
		{"nothing", "", ""},
		{"what is the default is left out", "[build]\ncmd = 'go build -o ./tmp/main .'\nbin = 'tmp/main'\ninclude_ext = ['go']\nexclude_dir = ['tmp', 'vendor']\nexclude_regex = ['_test\\.go$']", `package = ["."]`},
		{"flags of the build", "[build]\ncmd = 'go build -tags dev -race -ldflags=-w -o tmp/x ./cmd/x'", "package = [\"./cmd/x\"]\nbuild-flags = \"-tags dev -race -ldflags=-w\""},
		{"what is run first", "[build]\ncmd = 'templ generate && go build -o x .'\npre_cmd = ['sqlc generate']\ninclude_ext = ['go', 'templ']",
			"package = [\".\"]\nbefore = [\"templ generate\", \"sqlc generate\"]\nwatch = [\"**/*.templ\"]"},
		{"a command that is not understood", "[build]\ncmd = 'make build'", ""},
		{"files that the program reads", "[build]\ninclude_ext = ['go', 'tpl', 'html']\ninclude_dir = ['web', 'views']\ninclude_file = ['x.yaml']",
			"watch = [\"x.yaml\"]\nrestart = [\"web/**/*.{tpl,html}\", \"views/**/*.{tpl,html}\"]"},
		{"arguments", "[build]\nentrypoint = ['./tmp/main', '-a', 'b c']\nargs_bin = ['d']", `args = ["-a", "b c", "d"]`},
		{"arguments the other way round", "[build]\nargs_bin = ['d']\nfull_bin = 'X=1 ./tmp/main -a'", `args = ["-a", "d"]`},
		{"the end", "[build]\nsend_interrupt = true\nkill_delay = '3s'\npost_cmd = ['rm x']", "on-stop = [\"rm x\"]\nstop-signal = \"INT\"\nstop-timeout = \"3s\""},
		{"nanoseconds", "[build]\nsend_interrupt = true\nkill_delay = 500", `stop-signal = "INT"`},
		{"polling", "[build]\npoll = true\npoll_interval = 700", `poll = "700ms"`},
		{"polling too often", "[build]\npoll = true\npoll_interval = 7", `poll = "500ms"`},
		{"the screen", "[screen]\nclear_on_rebuild = true\nkeep_scroll = false\n[color]\nmode = 'never'", "clear = \"all\"\ncolor = \"never\""},
		{"the proxy", "[proxy]\nenabled = true\nproxy_port = 8090\napp_port = 8080\napp_start_timeout = 2500", "port = [\"8080\"]\nbrowser = \"0\"\nready-timeout = \"2.5s\""},
		{"a rule", "[[build.rules]]\nname = 'css'\ncmd = 'npx \"x\"'\ninclude_dir = ['web']\ninclude_ext = ['css', 'scss']\ninclude_file = ['tailwind.config.js']",
			"\n[[rule]]\nname = \"css\"\nmatch = [\"web/**/*.{css,scss}\", \"tailwind.config.js\"]\nrun = 'npx \"x\"'\non-change = true"},
	} {
		file, _, err := Convert(c.air)
		_, body, _ := strings.Cut(file, "explained.\n\n")
		if err != nil || strings.TrimSuffix(body, "\n") != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", c.name, err, body, c.want)
		}
	}
}

func TestConvertInvalidTOML(t *testing.T) {
	if _, _, err := Convert("a = "); err == nil || !strings.HasPrefix(err.Error(), "1:") {
		t.Error(err)
	}
}

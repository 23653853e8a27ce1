package settings

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// sample has a setting of each type.
type sample struct {
	*Set
	ports  []string
	flags  []string
	text   string
	debug  bool
	wait   time.Duration
	count  int
	clear  string
	rules  []pair
	config string
}

func newSample() *sample {
	s := &sample{wait: 10 * time.Second, count: 3, clear: "never"}
	s.Set = NewSet(nil, Group{"All", []Spec{
		{Name: "port", Value: Strings(&s.ports), Usage: "listen on `port`"},
		{Name: "build-flags", Value: Words(&s.flags), Usage: "`flags` for go build", Live: 1},
		{Name: "text", Value: String(&s.text), Usage: "any text"},
		{Name: "debug", Value: Bool(&s.debug), Usage: "for a debugger", Live: 2},
		{Name: "stop-timeout", Value: Duration(&s.wait), Usage: "maximum `duration`"},
		{Name: "count", Value: Count(&s.count), Usage: "number", FlagOnly: true},
		{Name: "clear", Value: Choice(&s.clear, "never", "screen", "all"), Alone: "screen", Usage: "when to clear"},
		{Name: "rule", Value: Tables(&s.rules, parsePair, pairFields, pairFromTable), Usage: "a `rule`"},
		{Name: "config", Value: String(&s.config), Usage: "not for the file", FlagOnly: true},
	}})
	return s
}

// pair is an element of a list that may be a table.
type pair string

func (p pair) String() string { return string(p) }

func parsePair(s string) (pair, error) {
	if !strings.Contains(s, ":") {
		return "", errors.New("rule has no colon")
	}
	return pair(s), nil
}

var pairFields = []Field{{Name: "match", Type: TextList, Required: true}, {Name: "run", Type: Text, Required: true}, {Name: "once", Type: Boolean}}

func pairFromTable(t map[string]any) (pair, error) {
	return parsePair(fmt.Sprint(strings.Join(t["match"].([]string), ","), ":", t["run"], ":", t["once"]))
}

func (s *sample) fill(env []string, text string) (Sources, error) {
	given := s.Given()
	var doc Document
	if text != "" {
		var err error
		if doc, err = Parse("hotstart.toml", text); err != nil {
			return nil, err
		}
	}
	return s.Fill(given, env, doc)
}

const full = `# a comment
port = [8080, "127.0.0.1:9000"]
build-flags = "-tags dev"

debug = true
stop-timeout = "500ms"
clear = true
rule = ["a: b"]
`

func TestFlagWinsOverEnvironmentOverFileOverDefault(t *testing.T) {
	for _, c := range []struct {
		name, args, variable, file string
		want, from                 string
	}{
		{"default", "", "", "", "10s", "default"},
		{"file", "", "", "stop-timeout = '1s'", "1s", "hotstart.toml:1"},
		{"environment over file", "", "2s", "stop-timeout = '1s'", "2s", "HOTSTART_STOP_TIMEOUT"},
		{"flag over all", "--stop-timeout=3s", "2s", "stop-timeout = '1s'", "3s", "--stop-timeout"},
		{"flag with the default's value", "--stop-timeout=10s", "2s", "stop-timeout = '1s'", "10s", "--stop-timeout"},
	} {
		s := newSample()
		if c.args != "" {
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			s.AddTo(flags)
			if err := flags.Parse([]string{c.args}); err != nil {
				t.Fatal(err)
			}
		}
		from, err := s.fill([]string{"HOTSTART_STOP_TIMEOUT=" + c.variable}, c.file)
		if err != nil {
			t.Fatal(err)
		}
		if s.wait.String() != c.want || from["stop-timeout"].String() != c.from {
			t.Errorf("%s: %v from %v, not %s from %s", c.name, s.wait, from["stop-timeout"], c.want, c.from)
		}
	}
}

func TestFileHasEveryType(t *testing.T) {
	s := newSample()
	from, err := s.fill(nil, full)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%v %s %v %v %s %v", s.ports, s.flags, s.debug, s.wait, s.clear, s.rules)
	if want := "[8080 127.0.0.1:9000] [-tags dev] true 500ms screen [a: b]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if place := from["debug"].Place; place != "hotstart.toml:5" {
		t.Errorf("debug is said to come from %s", place)
	}
}

func TestListInOtherForms(t *testing.T) {
	for text, want := range map[string]string{
		"port = 80":         "[80]",
		"port = '80'":       "[80]",
		"port = []":         "[]",
		"port = ['a', 'b']": "[a b]",
	} {
		s := newSample()
		if _, err := s.fill(nil, text); err != nil || fmt.Sprint(s.ports) != want {
			t.Errorf("%s is %v, %v", text, s.ports, err)
		}
	}
	s := newSample()
	if _, err := s.fill([]string{"HOTSTART_PORT=80\n90"}, ""); err != nil || fmt.Sprint(s.ports) != "[80 90]" {
		t.Errorf("two lines of a variable are %v, %v", s.ports, err)
	}
}

func TestTables(t *testing.T) {
	s := newSample()
	doc, err := Parse("x", "[[rule]]\nmatch = 'a'\nrun = 'x'\n\n[[rule]]\nmatch = ['b', 'c']\nrun = 'y'\nonce = true\n")
	for range 2 { // it can be read again
		if err == nil {
			_, err = s.Fill(nil, nil, doc)
		}
	}
	if got := fmt.Sprint(s.rules); err != nil || got != "[a:x:<nil> b,c:y:true]" {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestInvalidFile(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"prot = 80", `hotstart.toml:1: unknown key "prot"; did you mean port?`},
		{"\nstop_timeout = '1s'", `hotstart.toml:2: unknown key "stop_timeout"; did you mean stop-timeout?`},
		{"qqqqqq = 1", `hotstart.toml:1: unknown key "qqqqqq"`},
		{"[build]\ncmd = 'x'", `hotstart.toml:1: unknown key "build"`},
		{"config = 'x'", `hotstart.toml:1: config can't be set in a file; it is a flag, and HOTSTART_CONFIG`},
		{"# x\nstop-timeout = 5", `hotstart.toml:2:16: stop-timeout: want a duration such as "500ms" or "10s", not 5`},
		{"stop-timeout = 'soon'", `hotstart.toml:1:17: invalid stop-timeout "soon": want a duration such as 500ms or 10s`},
		{"debug = 'yes'", `hotstart.toml:1:10: debug: want true or false, not the string "yes"`},
		{"build-flags = ['-race']", `hotstart.toml:1:16: build-flags: want a string, not a list`},
		{"build-flags = '\"a'", `hotstart.toml:1:16: build-flags: a " is not closed`},
		{"clear = 'twice'", `hotstart.toml:1:10: invalid clear "twice": want never, screen or all`},
		{"stop-timeout = '-1s'", `hotstart.toml:1:17: stop-timeout must not be negative`},
		{"port = [80, true]", `hotstart.toml:1:9: port: want a list of strings, not true`},
		{"port = {a = 1}", `hotstart.toml:1:9: port: want a list of strings, not a table`},
		{"rule = 'x'", `hotstart.toml:1:9: rule has no colon`},
		{"[[rule]]\nmatch = 'a'\nrun = 'x'\n[[rule]]\nmatch = 'a'", `hotstart.toml:4: rule: run is missing`},
		{"[[rule]]\nmatch = 'a'\nrun = 1\n[[rule]]\nmatch = 'a'\nrun = 'b'", `hotstart.toml:3: rule: run takes a string, not 1`},
		{"[[rule]]\nmatch = 'a'\nrun = 'x'\n[[rule]]\nmatch = 'a'\nrun = 'b'\nruns = 'c'", `hotstart.toml:7: rule: unknown key "runs"; did you mean run?`},
		{"[[rule]]\nmatch = [1]\nrun = 'x'", `hotstart.toml:2: rule: match takes a list of strings, not 1`},
		{"port = ", `hotstart.toml:1:7: unexpected EOF; expected value`},
		{"port = 1\nport = 2", `hotstart.toml:2:10: Key 'port' has already been defined.`},
	} {
		_, err := newSample().fill(nil, c.text)
		var wrong *Error
		if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q:\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestInvalidVariable(t *testing.T) {
	_, err := newSample().fill([]string{"HOTSTART_DEBUG=maybe"}, "")
	if err == nil || !strings.HasPrefix(err.Error(), `HOTSTART_DEBUG: invalid debug "maybe": want true or false`) {
		t.Error(err)
	}
}

func TestUnknownVariables(t *testing.T) {
	got := newSample().UnknownVariables([]string{"PATH=x", "HOTSTART_FD=3", "HOTSTART_PORT=1", "HOTSTART_PROT=1", "HOTSTART_XYZXYZ=1", "HOTSTART_CONFIG=x"})
	want := "[unknown setting HOTSTART_PROT in the environment; did you mean HOTSTART_PORT? unknown setting HOTSTART_XYZXYZ in the environment]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v", got)
	}
}

func TestSuggestion(t *testing.T) {
	for name, want := range map[string]string{"prot": "port", "pathh": "path", "pol": "poll", "por": "port", "restrat": "restart", "rest": "restart", "xyzxyz": "", "x": ""} {
		if want != "" {
			want = "; did you mean --" + want + "?"
		}
		if got := suggestion(name, []string{"path", "port", "poll", "restart"}, "--"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestChanges(t *testing.T) {
	old, now := newSample(), newSample()
	if _, err := now.fill(nil, "debug = true\nbuild-flags = '-race'\ntext = 'x'"); err != nil {
		t.Fatal(err)
	}
	changed, live, fixed := now.Changes(old.Set)
	if got := fmt.Sprint(changed, live, fixed); got != "[build-flags debug] 3 [text]" {
		t.Error(got)
	}
	if err := now.Keep(old.Set, fixed); err != nil || now.text != "" || !now.debug {
		t.Errorf("%+v, %v", now, err)
	}
}

func TestInheritedFlagIsSet(t *testing.T) {
	text := "auto"
	color := func() Group {
		return Group{"All", []Spec{{Name: "color", Value: Choice(&text, "auto", "always", "never"), Usage: "colour"}}}
	}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	NewSet(nil, color()).AddTo(flags)
	s := NewSet(flags, color())
	if err := flags.Parse([]string{"--color=never"}); err != nil {
		t.Fatal(err)
	}
	if given := fmt.Sprint(s.Given()); given != "map[color:[never]]" {
		t.Errorf("the command line gives %s", given)
	}
	if _, err := s.Fill(nil, []string{"HOTSTART_COLOR=always"}, Document{}); err != nil {
		t.Fatal(err)
	}
	if got := flags.Lookup("color").Value.String(); got != "always" {
		t.Errorf("the flag is %s", got)
	}
}

package settings

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// sample has a flag of each type.
type sample struct {
	flags  *pflag.FlagSet
	ports  []string
	flag   string
	debug  bool
	wait   time.Duration
	count  int
	clear  string
	rules  pairs
	config string
}

func newSample() *sample {
	s := &sample{flags: pflag.NewFlagSet("", pflag.ContinueOnError)}
	s.flags.SortFlags = false
	s.flags.StringArrayVar(&s.ports, "port", nil, "listen on `port`; repeatable")
	s.flags.StringVar(&s.flag, "build-flags", "", "`flags` for go build")
	s.flags.BoolVar(&s.debug, "debug", false, "for a debugger")
	s.flags.DurationVar(&s.wait, "stop-timeout", 10*time.Second, "how `long`")
	s.flags.IntVar(&s.count, "count", 3, "how many")
	s.flags.StringVar(&s.clear, "clear", "never", "`when` to clear")
	s.flags.Lookup("clear").NoOptDefVal = "screen"
	s.flags.Var(&s.rules, "rule", "a `rule`; repeatable")
	s.flags.StringVar(&s.config, "config", "", "not for the file")
	NotKey(s.flags, "config")
	return s
}

// pairs is a list whose elements may be tables.
type pairs struct{ list []string }

func (p *pairs) String() string             { return strings.Join(p.list, " ") }
func (p *pairs) Type() string               { return "pair" }
func (p *pairs) Set(s string) error         { return p.Append(s) }
func (p *pairs) GetSlice() []string         { return p.list }
func (p *pairs) Replace(all []string) error { p.list = all; return nil }
func (p *pairs) Append(s string) error {
	if !strings.Contains(s, ":") {
		return errors.New("there is no colon")
	}
	p.list = append(p.list, s)
	return nil
}

func (p *pairs) Fields() []Field {
	return []Field{{Name: "match", Type: List, Required: true}, {Name: "run", Type: Text, Required: true}, {Name: "once", Type: Boolean}}
}

func (p *pairs) AppendTable(t map[string]any) error {
	return p.Append(fmt.Sprint(strings.Join(t["match"].([]string), ","), ":", t["run"], ":", t["once"]))
}

func (s *sample) fill(env []string, text string) (map[string]Source, error) {
	given := GivenTo(s.flags)
	var doc *Document
	if text != "" {
		var err error
		if doc, err = Parse("hotstart.toml", text); err != nil {
			return nil, err
		}
	}
	return Fill(s.flags, given, env, doc)
}

const full = `# a comment
port = [8080, "127.0.0.1:9000"]
build-flags = "-tags dev"

debug = true
stop-timeout = "500ms"
count = 7
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
			if err := s.flags.Parse([]string{c.args}); err != nil {
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
	got := fmt.Sprintf("%v %s %v %v %v %s %v", s.ports, s.flag, s.debug, s.wait, s.count, s.clear, s.rules.list)
	if want := "[8080 127.0.0.1:9000] -tags dev true 500ms 7 screen [a: b]"; got != want {
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
			_, err = Fill(s.flags, nil, nil, doc)
		}
	}
	if got := strings.Join(s.rules.list, " "); err != nil || got != "a:x:<nil> b,c:y:true" {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestWhatCantBeMeant(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"prot = 80", `hotstart.toml:1: unknown key "prot"; did you mean port?`},
		{"\nstop_timeout = '1s'", `hotstart.toml:2: unknown key "stop_timeout"; did you mean stop-timeout?`},
		{"qqqqqq = 1", `hotstart.toml:1: unknown key "qqqqqq"`},
		{"[build]\ncmd = 'x'", `hotstart.toml:1: unknown key "build"`},
		{"config = 'x'", `hotstart.toml:1: config can't be set in a file; it is a flag, and HOTSTART_CONFIG`},
		{"# x\nstop-timeout = 5", `hotstart.toml:2:16: stop-timeout: want a duration such as "500ms" or "10s", not 5`},
		{"stop-timeout = 'soon'", `hotstart.toml:1:17: stop-timeout: time: invalid duration "soon"`},
		{"debug = 'yes'", `hotstart.toml:1:10: debug: want true or false, not the string "yes"`},
		{"count = '7'", `hotstart.toml:1:10: count: want a number, not the string "7"`},
		{"build-flags = ['-race']", `hotstart.toml:1:16: build-flags: want a string, not a list`},
		{"port = [80, true]", `hotstart.toml:1:9: port: want a list of strings, not true`},
		{"port = {a = 1}", `hotstart.toml:1:9: port: want a list of strings, not a table`},
		{"rule = 'x'", `hotstart.toml:1:9: rule: there is no colon`},
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

func TestVariableThatCantBeMeant(t *testing.T) {
	_, err := newSample().fill([]string{"HOTSTART_DEBUG=maybe"}, "")
	if err == nil || !strings.HasPrefix(err.Error(), `HOTSTART_DEBUG: invalid debug "maybe": `) {
		t.Error(err)
	}
}

func TestStrangers(t *testing.T) {
	got := Strangers(newSample().flags, []string{"PATH=x", "HOTSTART_FD=3", "HOTSTART_PORT=1", "HOTSTART_PROT=1", "HOTSTART_XYZXYZ=1", "HOTSTART_CONFIG=x"})
	want := "[unknown setting HOTSTART_PROT in the environment; did you mean HOTSTART_PORT? unknown setting HOTSTART_XYZXYZ in the environment]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v", got)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"port", "port", 0}, {"prot", "port", 1}, {"pot", "port", 1}, {"", "abc", 3}, {"kitten", "sitting", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

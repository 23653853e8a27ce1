package report

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/browser"
	"github.com/hotstart/hotstart/starter"
)

// hinted is an error that suggests a command.
type hinted struct{ error }

func (hinted) Hint() string { return "hotstart watch --help" }

var (
	at      = time.Date(2026, 1, 2, 9, 41, 27, 0, time.UTC)
	one     = starter.Worker{Generation: 1, PID: 11}
	two     = starter.Worker{Generation: 2, PID: 22}
	port    = starter.Address{Network: "tcp", Port: 8080}
	socket  = starter.Address{Network: "unix", Path: "/tmp/s"}
	current = Current{Worker: one, Built: at}
	errBoom = errors.New("boom")
	edit    = Cause{Changed: []string{"/src/main.go"}}
	gen     = RuleRun{Rule: "gen", Files: []string{"/src/a.templ"}, Took: 3 * time.Millisecond}
	wrong   = []builder.Diagnostic{{File: "/src/main.go", Line: 9, Column: 2, Message: "undefined: x"}}
	panicky = Exit{Output: []string{"bye"}, Panic: []builder.Diagnostic{{Message: "panic: no"}}}
)

// table has every event with its line of text and its fields in JSON. Of two
// with the same type the second shows another case.
var table = []struct {
	event Event
	text  string // "" if the text format does not have it
	json  string // without name, time, bad and message; "" if JSON does not have it
	name  string
}{
	{Building{Package: "./api"}, "building ./api", `{}`, "building"},
	{Building{"./api", []starter.Address{port, socket}, true}, "building ./api; connections to http://localhost:8080, /tmp/s wait",
		`{"addresses":["http://localhost:8080","/tmp/s"]}`, "building"},
	{Postponed{"./api"}, "waiting for a first change to build ./api", `{}`, "postponed"},
	{Unchanged{Worker: one, Cause: edit, Took: 20 * time.Millisecond, Fixed: true},
		"fixed: main.go changed; built in 20ms: the same program; worker 1 keeps running",
		`{"worker":1,"pid":11,"changed":["/src/main.go"],"build_ms":20}`, "unchanged"},
	{BuildFailed{Cause: edit, Errors: wrong, Current: current},
		"main.go changed; the build failed; still serving worker 1 (built 09:41:27)",
		`{"changed":["/src/main.go"],"errors":[{"file":"/src/main.go","line":9,"column":2,"message":"undefined: x"}],` +
			`"serving":1,"code_of":"2026-01-02T09:41:27Z"}`, "build_failed"},
	{BuildFailed{Errors: append(wrong, wrong...), Current: Current{Starting: two}}, "the build failed with 2 errors; worker 2 is starting",
		`{"errors":[{"file":"/src/main.go","line":9,"column":2,"message":"undefined: x"},{"file":"/src/main.go","line":9,"column":2,"message":"undefined: x"}]}`, "build_failed"},
	{BuildImpossible{Changed: edit.Changed, Err: errBoom}, "boom; no worker runs; waiting for a change",
		`{"changed":["/src/main.go"],"errors":[{"message":"boom"}]}`, "build_failed"},
	{WrongTarget{"linux/arm"}, "the program is built for linux/arm, and this machine is " + runtime.GOOS + "/" + runtime.GOARCH + "\ngo env -u GOARCH; unset GOARCH",
		`{}`, "warning"},
	{BusyFiles{Files: []string{"/src/log.txt"}, Builds: 4, Ignore: []string{"log.txt"}},
		"log.txt changed during each of the last 4 builds; this build is finished before the next one starts\n(to ignore it: --ignore='log.txt')", `{}`, "warning"},
	{BusyFiles{Files: []string{"/src/a.go", "/src/b.go"}, Builds: 4},
		"a.go and b.go changed during each of the last 4 builds; this build is finished before the next one starts", `{}`, "warning"},
	{SuspectFiles{[]string{"/src/a", "/src/b", "/src/c"}, 6},
		"a and 2 more changed during each of the last 6 starts; restarting the same program once to see whether it writes that itself", `{}`, "note"},
	{OwnWrites{Files: []string{"/src/a"}, Starts: 6},
		"a changed during each of the last 6 starts, so the program seems to write it; such changes no longer reload the program", `{}`, "warning"},
	{Progress{}, "", "", ""},
	{RuleRunning{"gen"}, "", "", ""},
	{StatusChanged{}, "", "", ""},
	{WorkerEvent{starter.Event{Kind: starter.Settled}}, "", "", ""},
	{Adopted{"net/http"}, "instrumented net/http: listeners survive reloads and in-flight requests are drained (--adopt=off disables this)", `{}`, "adopted"},
	{NotAdopted{errBoom}, "not instrumented: boom; the program must take over its sockets itself", `{}`, "not_adopted"},
	{WorkerEvent{starter.Event{Kind: starter.SocketKept, Worker: one, Address: port}}, "worker 1 listens on http://localhost:8080; that socket is kept", `{"worker":1,"pid":11,"addresses":["http://localhost:8080"]}`, "kept"},
	{WorkerEvent{starter.Event{Kind: starter.SocketClosed, Worker: one, Address: socket}}, "worker 1 has closed its socket of /tmp/s", `{"worker":1,"pid":11,"addresses":["/tmp/s"]}`, "closed"},
	{WorkerEvent{starter.Event{Kind: starter.Holding, Worker: one}}, "worker 1 (pid 11) lets its clients wait for newer code", `{"worker":1,"pid":11}`, "holding"},
	{WorkerEvent{starter.Event{Kind: starter.SocketReleased, Worker: two, Address: port}}, "worker 2 does not listen on http://localhost:8080, as the worker before it did; that socket is closed",
		`{"worker":2,"pid":22,"addresses":["http://localhost:8080"]}`, "let_go"},
	{PortUnused{one, port}, "the program does not listen on http://localhost:8080 (--port); connections to it will hang", `{"worker":1,"pid":11}`, "unused"},
	{PortUnused{one, socket}, "the program does not listen on /tmp/s (--path); connections to it will hang", `{"worker":1,"pid":11}`, "unused"},
	{Serving{Worker: two, Built: at, Addresses: []starter.Address{port}, Cause: edit, Took: 1234 * time.Millisecond},
		"main.go changed; built in 1.23s; worker 2 (pid 22) is serving http://localhost:8080",
		`{"worker":2,"pid":22,"changed":["/src/main.go"],"build_ms":1234,"addresses":["http://localhost:8080"],"serving":2,"code_of":"2026-01-02T09:41:27Z"}`, "serving"},
	{Serving{Worker: two, Built: at, Addresses: []starter.Address{port}, Cause: edit, How: Restarted, Finishing: one, Fixed: true},
		"fixed: main.go changed; restarted; worker 2 (pid 22) is serving; worker 1 finishes",
		`{"worker":2,"pid":22,"changed":["/src/main.go"],"addresses":["http://localhost:8080"],"serving":2,"code_of":"2026-01-02T09:41:27Z"}`, "serving"},
	{Serving{Worker: two, Built: at, Cause: edit, How: Again}, "worker 2 (pid 22) is running again (built 09:41:27)",
		`{"worker":2,"pid":22,"serving":2,"code_of":"2026-01-02T09:41:27Z"}`, "serving"},
	{StartFailed{Event: starter.Event{Kind: starter.Failed, Worker: two, Status: 2 << 8}, Cause: edit, Exit: panicky, Current: current},
		"main.go changed; worker 2 (pid 22) failed to start: exit status 2; still serving worker 1 (built 09:41:27)",
		`{"worker":2,"pid":22,"changed":["/src/main.go"],"reason":"exit status 2","errors":[{"message":"panic: no"}],"output":["bye"],` +
			`"serving":1,"code_of":"2026-01-02T09:41:27Z"}`, "start_failed"},
	{StartFailed{Event: starter.Event{Kind: starter.TimedOut, Worker: two, Elapsed: 30 * time.Second}, Current: Current{BackTo: at}},
		"worker 2 (pid 22) was not ready after 30s; told to exit; returning to the build of 09:41:27",
		`{"worker":2,"pid":22,"reason":"it was not ready in time"}`, "start_failed"},
	{EnvFileFailed{edit, errBoom, Current{Stopping: true}}, "main.go changed; boom; stopping", `{"changed":["/src/main.go"],"reason":"boom"}`, "start_failed"},
	{SlowStart{}, "the new worker is not ready yet", `{}`, "slow"},
	{SlowStart{30 * time.Second, 10 * time.Second}, "the new worker is not ready yet; waiting up to 30s until it serves (--ready-timeout); " +
		"then up to 10s until it serves every address of the old worker (--serve-timeout)", `{}`, "slow"},
	{Crashed{Event: starter.Event{Kind: starter.Crashed, Worker: one, Status: 1 << 8, Restarting: true}, Exit: panicky},
		"worker 1 (pid 11) died: exit status 1; starting it again", `{"worker":1,"pid":11,"reason":"exit status 1","output":["bye"],"errors":[{"message":"panic: no"}]}`, "died"},
	{Crashed{Event: starter.Event{Kind: starter.Crashed, Worker: one, Restarting: true}, Starting: two},
		"worker 1 (pid 11) died: exit status 0; worker 2 is starting already", `{"worker":1,"pid":11,"reason":"exit status 0"}`, "died"},
	{Crashed{Event: starter.Event{Kind: starter.Crashed, Worker: one, Restarting: true}, Stopping: true},
		"worker 1 (pid 11) died: exit status 0", `{"worker":1,"pid":11,"reason":"exit status 0"}`, "died"},
	{RolledBack{starter.Event{Kind: starter.RolledBack, Worker: two, Elapsed: 2100 * time.Millisecond, Status: 1 << 8}, edit, panicky, Current{BackTo: at}},
		"main.go changed; worker 2 (pid 22) died 2.1s after it took over: exit status 1; the reload has failed; returning to the build of 09:41:27",
		`{"worker":2,"pid":22,"changed":["/src/main.go"],"reason":"exit status 1","output":["bye"],"errors":[{"message":"panic: no"}]}`, "rolled_back"},
	{GaveUp{one, 3}, "the program crashed 3 times in a row soon after its start; waiting for a change", `{"worker":1,"pid":11}`, "gave_up"},
	{Ended{Event: starter.Event{Kind: starter.Completed, Worker: one}, Cause: edit}, "main.go changed; worker 1 (pid 11) has ended; waiting for a change",
		`{"worker":1,"pid":11,"changed":["/src/main.go"],"reason":"exit status 0"}`, "ended"},
	{Ended{Event: starter.Event{Kind: starter.Completed, Worker: one, Holder: "pid 5 (./x)"}},
		"worker 1 (pid 11) has ended, but it left pid 5 (./x); waiting for a change", `{"worker":1,"pid":11,"reason":"exit status 0"}`, "ended"},
	{Contended{two, "the lock on data.lock", one}, "worker 2 needs the lock on data.lock, which worker 1 holds; from now on the old worker ends before " +
		"a new one is started, and connections wait (--overlap=off)", `{"worker":2,"pid":22}`, "contended"},
	{WorkerEvent{starter.Event{Kind: starter.AssumedReady, Worker: one, Err: errBoom}},
		"worker 1 (pid 11) is alive, and nothing shows whether it accepts connections: boom", `{"worker":1,"pid":11}`, "unseen"},
	{WorkerEvent{starter.Event{Kind: starter.Exited, Worker: one, Status: 1 << 8}}, "worker 1 (pid 11) exited: exit status 1",
		`{"worker":1,"pid":11,"reason":"exit status 1"}`, "left"},
	{WorkerEvent{starter.Event{Kind: starter.Killing, Worker: one}}, "worker 1 (pid 11) did not exit in time; killing it", `{"worker":1,"pid":11}`, "killing"},
	{WorkerEvent{starter.Event{Kind: starter.DrainTimedOut, Worker: one}}, "worker 1 (pid 11) still has connections; told to exit", `{"worker":1,"pid":11}`, "overdue"},
	{WorkerEvent{starter.Event{Kind: starter.BrokerError, Worker: one, Err: errBoom}}, "worker 1 (pid 11): boom", `{"worker":1,"pid":11}`, "refused"},
	{WorkerEvent{starter.Event{Kind: starter.ListenerShutDown, Worker: one, Address: socket}},
		"the socket of /tmp/s was shut down, probably by worker 1 (pid 11); it listens again", `{"worker":1,"pid":11}`, "deafened"},
	{WorkerEvent{starter.Event{Kind: starter.PathLost, Worker: one, Address: socket}},
		"the path /tmp/s was removed, probably by worker 1 (pid 11); it has been restored", `{"worker":1,"pid":11}`, "displaced"},
	{Supervised{starter.Event{Kind: starter.Crashed, Worker: one, Status: 1 << 8}}, "worker 1 (pid 11) died: exit status 1", `{"worker":1,"pid":11}`, "died"},
	{Supervised{starter.Event{Kind: starter.BrokerError, Worker: one, Err: errBoom}}, "worker 1 (pid 11): boom", `{"worker":1,"pid":11}`, "refused"},
	{Halted{one}, "worker 1 (pid 11) was stopped by a signal, as every program is that reads from the terminal (/dev/tty) in the background; " +
		"what you type is for hotstart", `{"worker":1,"pid":11}`, "halted"},
	{Stopping{syscall.SIGTERM, false, one, false}, "received TERM; waiting for worker 1 to finish (signal again to kill it)", `{"worker":1,"pid":11,"signal":"TERM"}`, "stopping"},
	{Stopping{Signal: syscall.SIGINT}, "received INT", `{"signal":"INT"}`, "stopping"},
	{Stopping{Signal: syscall.SIGINT, Key: true}, "q pressed", `{"signal":"INT"}`, "stopping"},
	{Note{"restarting"}, "restarting", `{}`, "note"},
	{Warning{"look"}, "look", `{}`, "warning"},
	{Failed{hinted{errBoom}}, "boom", `{"hint":"hotstart watch --help"}`, "failed"},
	{ReloadBegan{}, "reload begins", "", "reload_began"},
	{ReloadEnded{}, "reload ends: the newest code runs", "", "reload_ended"},
	{ReloadEnded{"the build failed"}, "reload ends: the build failed", "", "reload_ended"},
	{Keys{[]Key{{"r", "restart"}}}, "keys", `{}`, "note"},
	{ScriptReady{"http://localhost:1"}, `pages with <script src="http://localhost:1/hotstart.js"></script> reload by themselves`, `{}`, "script"},
	{PagesReload{}, "open pages reload by themselves (--browser=off disables this)", `{}`, "pages"},
	{PagesBlocked{"script-src 'none'", "<script src=/a></script>"}, "the Content-Security-Policy of a page blocks its reloading: script-src 'none'; " +
		"add 'self' to the directive, or add to the page, with a nonce that the policy allows, which hotstart can't know: <script src=/a></script>", `{}`, "pages_blocked"},
	{PageError{browser.PageError{Text: "TypeError: x\n  is not a\x1b[2Jfunction", Source: "/static/app.js", Line: 3, Column: 7}},
		"browser: /static/app.js:3:7: TypeError: x is not a\x1b[2Jfunction",
		`{"errors":[{"file":"/static/app.js","line":3,"column":7,"message":"TypeError: x\n  is not a\u001b[2Jfunction"}]}`, "page_error"},
	{PageError{browser.PageError{Text: "Script error."}}, "browser: Script error.", `{"errors":[{"message":"Script error."}]}`, "page_error"},
	{PageErrorsLeftOut{12}, "browser: 12 errors left out, at most 5 are shown in a second (--browser-log=off shows none)", `{}`, "page_errors_left_out"},
	{Refreshed{Cause{[]string{"/src/a.css"}, []RuleRun{gen}}, true},
		"fixed: a.templ and a.css changed; gen took 3ms; pages are refreshed", `{"changed":["/src/a.css"]}`, "refreshed"},
	{RuleDone{gen, "gen ./..."}, "", `{"changed":["/src/a.templ"],"command":"gen ./...","command_ms":3}`, "rule"},
	{RulesDone{Rules: []RuleRun{gen, gen}}, "a.templ changed; gen took 3ms, gen took 3ms", "", "rule"},
	{RuleFailed{Rule: "gen", Command: "gen ./...", Cause: Cause{edit.Changed, []RuleRun{gen}}, Err: errBoom, Output: "no\nnot", Current: current},
		"a.templ and main.go changed; gen took 3ms; gen failed: boom; still serving worker 1 (built 09:41:27)",
		`{"changed":["/src/main.go"],"command":"gen ./...","reason":"boom","output":["no","not"],"serving":1,"code_of":"2026-01-02T09:41:27Z"}`, "rule_failed"},
	{RuleLoop{[]string{"gen", "fmt"}}, "rules trigger each other in a loop: gen, fmt; paused until the next edit\n" +
		"(exclude the files that a rule writes, for example --rule='*.txt, !out.txt: ...')", `{}`, "warning"},
	{AfterReadyFailed{"open", "open http://x", errBoom}, "--after-ready: open: boom", `{"command":"open http://x","reason":"boom"}`, "after_ready_failed"},
	{SettingsChanged{"hotstart.toml", []string{"args", "debug"}}, "hotstart.toml changed: args, debug", `{}`, "settings"},
	{SettingsChanged{File: "hotstart.toml"}, "hotstart.toml is valid again", `{}`, "settings"},
	{SettingsPending{"hotstart.toml", []string{"port"}}, "hotstart.toml changed: restart hotstart to apply: port", `{}`, "warning"},
	{SettingsRefused{hinted{errBoom}}, "boom\nkeeping the previous settings; run: hotstart watch --help", `{}`, "settings_refused"},
}

func TestEveryEventHasOneWording(t *testing.T) {
	t.Parallel()
	text, jsonView := View{Dir: "/src"}, View{Dir: "/src", JSON: true}
	for _, row := range table {
		e := row.event.entry(text)
		if e.name != row.name {
			t.Errorf("%T is called %q, want %q", row.event, e.name, row.name)
		}
		if got := e.message(); e.only != onlyJSON && got != row.text {
			t.Errorf("the text of %T is\n%q, want\n%q", row.event, got, row.text)
		}
		if e = row.event.entry(jsonView); e.name == "" || e.only != "" && e.only != onlyJSON {
			continue
		}
		var got, want map[string]any
		if err := json.Unmarshal([]byte(e.object(at)), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(row.json), &want); err != nil {
			t.Fatalf("%T: %v", row.event, err)
		}
		for _, key := range []string{"hotstart", "time", "bad", "message"} {
			if got[key] == nil {
				t.Errorf("%T has no %s", row.event, key)
			}
			delete(got, key)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the fields of %T are\n%v, want\n%v", row.event, got, want)
		}
	}
}

func TestAServerOfTheNetworkIsShown(t *testing.T) {
	t.Parallel()
	v := View{LAN: "192.0.2.7"}
	for _, test := range []struct {
		address starter.Address
		want    string
	}{
		{starter.Address{Network: "tcp", Port: 80}, " is serving http://localhost:80 (on the network: http://192.0.2.7:80)"},
		{starter.Address{Network: "tcp4", Host: "0.0.0.0", Port: 80, Scheme: "https"}, " is serving https://localhost:80 (on the network: https://192.0.2.7:80)"},
		{starter.Address{Network: "tcp4", Host: "127.0.0.1", Port: 80}, " is serving http://127.0.0.1:80"},
		{starter.Address{Network: "tcp4", Host: "192.0.2.8", Port: 80}, " is serving http://192.0.2.8:80"},
		{socket, " is serving /tmp/s"},
	} {
		text := Serving{Worker: one, Addresses: []starter.Address{test.address}}.entry(v).text
		if !strings.HasSuffix(text, test.want) {
			t.Errorf("%v: %s", test.address, text)
		}
	}
}

// TestTheTableIsComplete finds every type of this package that is an event.
func TestTheTableIsComplete(t *testing.T) {
	t.Parallel()
	var tested []string
	for _, row := range table {
		tested = append(tested, reflect.TypeOf(row.event).Name())
	}
	for _, name := range eventTypes(t) {
		if !slices.Contains(tested, name) {
			t.Errorf("the table has no %s", name)
		}
	}
}

// eventTypes are the types with a method entry.
func eventTypes(t *testing.T) (names []string) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == "entry" {
				names = append(names, f.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	return names
}

// TestTheDocsListEveryEvent holds the promise of docs/watch.md: the names of
// events and of their fields.
func TestTheDocsListEveryEvent(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../../../docs/watch.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(b), "\n## For machines\n")
	section, _, _ = strings.Cut(section, "\n## ")
	listed := map[string]string{} // fields by event
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cells[1], -1) {
			listed[m[1]] = cells[3]
		}
	}
	const everywhere = "`serving` `code_of`"
	for _, row := range table {
		e := row.event.entry(View{JSON: true})
		if e.name == "" || e.only != "" && e.only != onlyJSON {
			continue
		}
		fields, ok := listed[e.name]
		if !ok {
			t.Errorf("docs/watch.md does not list the event %s", e.name)
		}
		var has map[string]any
		json.Unmarshal([]byte(row.json), &has)
		for key := range has {
			if quoted := "`" + key + "`"; !strings.Contains(fields+everywhere, quoted) {
				t.Errorf("docs/watch.md does not list the field %s of %s", key, e.name)
			}
		}
	}
}

func TestAStatusKeepsTheTimeOfItsFirstFailure(t *testing.T) {
	t.Parallel()
	s := Status{}.Failed(BuildFailed{}, at)
	s = s.Failed(BuildImpossible{Err: errBoom}, at.Add(time.Minute))
	if s != (Status{"the build failed", at}) {
		t.Error(s)
	}
	if s = s.Failed(Ended{Event: starter.Event{Kind: starter.Completed}}, at.Add(time.Hour)); s.Since != at {
		t.Error("the end of a program that is not a server is a failure")
	}
	if s = s.Failed(GaveUp{}, at.Add(time.Hour)); s.Since == at {
		t.Error("another failure has the time of the first one")
	}
}

package worker

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestParsePorts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value string
		want  []port
		fails bool
	}{
		{value: "", want: nil},
		{value: "8080=3", want: []port{{"8080", 3}}},
		{value: "8080=3;127.0.0.1:9000=4;/tmp/a.sock=5", want: []port{{"8080", 3}, {"127.0.0.1:9000", 4}, {"/tmp/a.sock", 5}}},
		{value: "[::1]:80=0", want: []port{{"[::1]:80", 0}}},
		{value: "/tmp/a=b.sock=7", want: []port{{"/tmp/a=b.sock", 7}}},
		{value: "/tmp/a;b=7;80=3", want: []port{{"/tmp/a;b", 7}, {"80", 3}}},
		{value: "53=3;53=4", want: []port{{"53", 3}, {"53", 4}}},
		{value: "8080", fails: true},
		{value: "=3", fails: true},
		{value: "8080=", fails: true},
		{value: "8080=-1", fails: true},
		{value: "8080=+3", fails: true},
		{value: "8080=3;", fails: true},
		{value: "8080=99999999999999999999", fails: true},
		{value: "8080=1048577", fails: true},
	}
	for _, test := range tests {
		got, err := parsePorts(test.value)
		if (err != nil) != test.fails || !slices.Equal(got, test.want) {
			t.Errorf("parsePorts(%q) = %v, %v; want %v, failure %v", test.value, got, err, test.want, test.fails)
		}
	}
}

func TestParseListenFDs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		env   map[string]string
		want  []int
		fails bool
	}{
		{name: "not activated"},
		{name: "for this process", env: map[string]string{"LISTEN_FDS": "2", "LISTEN_PID": "42"}, want: []int{3, 4}},
		{name: "none passed", env: map[string]string{"LISTEN_FDS": "0", "LISTEN_PID": "42"}},
		{name: "for another process", env: map[string]string{"LISTEN_FDS": "2", "LISTEN_PID": "41"}},
		{name: "for another process, malformed", env: map[string]string{"LISTEN_FDS": "x", "LISTEN_PID": "41"}},
		{name: "without a pid", env: map[string]string{"LISTEN_FDS": "2"}},
		{name: "malformed", env: map[string]string{"LISTEN_FDS": "two", "LISTEN_PID": "42"}, fails: true},
		{name: "negative", env: map[string]string{"LISTEN_FDS": "-1", "LISTEN_PID": "42"}, fails: true},
		{name: "empty", env: map[string]string{"LISTEN_FDS": "", "LISTEN_PID": "42"}, fails: true},
	}
	for _, test := range tests {
		ports, err := parseListenFDs(environment(test.env), 42)
		var got []int
		for _, p := range ports {
			got = append(got, p.fd)
		}
		if (err != nil) != test.fails || !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, %v; want %v, failure %v", test.name, got, err, test.want, test.fails)
		}
	}
}

func TestMergePortsNamesEachDescriptorOnce(t *testing.T) {
	t.Parallel()
	named := []port{{"8080", 3}, {"/tmp/a", 5}}
	got := mergePorts(named, []port{{fd: 3}, {fd: 4}, {fd: 5}})
	if want := []port{{"8080", 3}, {"/tmp/a", 5}, {"", 4}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzParsePorts(f *testing.F) {
	for _, value := range []string{"", "8080=3", "8080=3;127.0.0.1:9000=4;/tmp/a.sock=5", "=;=", "a=b=1", ";", "0=0"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		ports, err := parsePorts(value)
		if err != nil {
			return
		}
		var again []string
		for _, p := range ports {
			if p.key == "" || p.fd < 0 || p.fd > maxDescriptors {
				t.Fatalf("parsePorts(%q) has %v", value, p)
			}
			again = append(again, p.key+"="+strconv.Itoa(p.fd))
		}
		same, err := parsePorts(strings.Join(again, ";"))
		if err != nil || !slices.Equal(ports, same) {
			t.Fatalf("parsePorts(%q) = %v, written and read again %v, %v", value, ports, same, err)
		}
	})
}

func FuzzParseListenFDs(f *testing.F) {
	f.Add("2", "42")
	f.Add("", "")
	f.Add("1048576", "42")
	f.Add("-1", "42")
	f.Fuzz(func(t *testing.T, fds, pid string) {
		ports, err := parseListenFDs(environment(map[string]string{"LISTEN_FDS": fds, "LISTEN_PID": pid}), 42)
		if (pid != "42" || err != nil) && len(ports) > 0 {
			t.Fatalf("LISTEN_FDS=%q LISTEN_PID=%q: %d sockets, error %v", fds, pid, len(ports), err)
		}
		for i, p := range ports {
			if p.fd != listenStart+i {
				t.Fatalf("LISTEN_FDS=%q: socket %d is descriptor %d", fds, i, p.fd)
			}
		}
	})
}

// environment returns a lookup function for env.
func environment(env map[string]string) func(string) (string, bool) {
	return func(key string) (string, bool) {
		value, ok := env[key]
		return value, ok
	}
}

package sock

import (
	"slices"
	"strings"
	"testing"
)

func TestEnvironment(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, ports string
		want        []string
	}{
		{"no sockets", "", []string{"SERVER_STARTER_PORT=", "SERVER_STARTER_GENERATION=7", "HOTSTART_FD=3"}},
		{"one of each", "8080 127.0.0.1:9000 [::1]:80 u53 /tmp/a.sock", []string{
			"SERVER_STARTER_PORT=8080=3;127.0.0.1:9000=4;[::1]:80=5;53=6;/tmp/a.sock=7",
			"SERVER_STARTER_GENERATION=7",
			"LISTEN_FDS=5", "LISTEN_FDNAMES=tcp-8080:tcp-127.0.0.1-9000:tcp-[--1]-80:udp-53:unix-/tmp/a.sock",
			"HOTSTART_FD=8",
		}},
		{"names in the order of descriptors", "80=5 81 82", []string{
			"SERVER_STARTER_PORT=80=5;81=3;82=4", "SERVER_STARTER_GENERATION=7",
			"LISTEN_FDS=3", "LISTEN_FDNAMES=tcp-81:tcp-82:tcp-80", "HOTSTART_FD=6",
		}},
		{"systemd's way ends at the first gap", "80 81=9", []string{
			"SERVER_STARTER_PORT=80=3;81=9", "SERVER_STARTER_GENERATION=7",
			"LISTEN_FDS=1", "LISTEN_FDNAMES=tcp-80", "HOTSTART_FD=4",
		}},
		{"tcp and udp on one port", "53 u53", []string{
			"SERVER_STARTER_PORT=53=3;53=4", "SERVER_STARTER_GENERATION=7",
			"LISTEN_FDS=2", "LISTEN_FDNAMES=tcp-53:udp-53", "HOTSTART_FD=5",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			sockets := fakeSockets(t, strings.Fields(test.ports)...)
			l := Arrange([3]int{0, 1, 2}, sockets, 50)
			got := l.Environment([]string{"A=1"}, sockets, 7, true, true)
			if want := append([]string{"A=1"}, test.want...); !slices.Equal(got, want) {
				t.Errorf("%q\nwant %q", got, want)
			}
		})
	}
}

// Variables that describe this process do not apply to a worker.
func TestEnvironmentOfThisProcessIsRemoved(t *testing.T) {
	t.Parallel()
	base := []string{
		"PATH=/bin", "LISTEN_FDS=9", "LISTEN_PID=1", "LISTEN_FDNAMES=x", "LISTEN_PIDFDID=4", "HOTSTART_FD=9",
		"NOTIFY_SOCKET=/run/systemd/notify", "WATCHDOG_PID=1", "WATCHDOG_USEC=1000",
		"SERVER_STARTER_PORT=1=1", "SERVER_STARTER_GENERATION=99", "MARK=old", "LISTEN_FDSX=kept", "odd", "=C:=also odd",
	}
	kept := slices.Clone(base)
	got := Arrange([3]int{0, 1, 2}, nil, -1).Environment(base, nil, 1, true, true, "MARK=new")
	want := []string{"PATH=/bin", "LISTEN_FDSX=kept", "odd", "=C:=also odd", "MARK=new", "SERVER_STARTER_PORT=", "SERVER_STARTER_GENERATION=1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if !slices.Equal(base, kept) {
		t.Error("the caller's environment was changed")
	}
	got = Arrange([3]int{0, 1, 2}, nil, -1).Environment(base, nil, 1, true, true, "NOTIFY_SOCKET=@mine")
	if !slices.Contains(got, "NOTIFY_SOCKET=@mine") || slices.Contains(got, "NOTIFY_SOCKET=/run/systemd/notify") {
		t.Errorf("%q", got)
	}
}

package report

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hotstart/hotstart/builder"
)

func TestNewExit(t *testing.T) {
	const trace = `
goroutine 1 [running]:
regexp.MustCompile({0x4b1f3a, 0x1})
	/usr/local/go/src/regexp/regexp.go:313 +0xb4
example.com/lib.Do(...)
	/home/me/go/pkg/mod/example.com/lib@v1.0.0/lib.go:7
main.load(0x1)
	/home/me/app/cmd/api/load.go:12 +0x1d
main.main()
	/home/me/app/cmd/api/main.go:5 +0x13
exit status 2
`
	for _, test := range []struct {
		name, tail string
		lines      []string
		panic      string
		place      string
		line       int
	}{
		{name: "nothing"},
		{name: "the last line", tail: "listen tcp: in use\n", lines: []string{"listen tcp: in use"}},
		{name: "the last few of many", tail: "1\n2\n3\n4\n5\n6\n7", lines: []string{"3", "4", "5", "6", "7"}},
		{name: "colours are left out", tail: "\x1b[31mFATAL\x1b[0m no\x07 database\r\n", lines: []string{"FATAL no database"}},
		{name: "a panic in a library that the user called", tail: "log\npanic: regexp: Compile(`(`)\n" + trace,
			panic: "panic: regexp: Compile(`(`)", place: "/home/me/app/cmd/api/load.go", line: 12},
		{name: "a fatal error", tail: "fatal error: all goroutines are asleep - deadlock!\n" + trace,
			panic: "fatal error: all goroutines are asleep - deadlock!", place: "/home/me/app/cmd/api/load.go", line: 12},
		{name: "the last of two", tail: "panic: one\n\n\t/home/me/app/a.go:1 +0x1\npanic: two\n" + trace,
			panic: "panic: two", place: "/home/me/app/cmd/api/load.go", line: 12},
		{name: "on a terminal", tail: strings.ReplaceAll("panic: x\n"+trace, "\n", "\r\n"),
			panic: "panic: x", place: "/home/me/app/cmd/api/load.go", line: 12},
		{name: "nothing of the user's", tail: "panic: x\n\ngoroutine 1 [running]:\nmain.main()\n\texample.com/other/main.go:5 +0x1\n", panic: "panic: x"},
		{name: "built with -trimpath", tail: "panic: x\n\ngoroutine 1 [running]:\nregexp.MustCompile({0x4b1f3a, 0x1})\n\tregexp/regexp.go:313 +0xb4\nmain.main()\n\texample.com/app/cmd/api/main.go:5 +0x1\n",
			panic: "panic: x", place: "/home/me/app/cmd/api/main.go", line: 5},
		{name: "one that net/http has caught is none", tail: "2026/01/02 http: panic serving 127.0.0.1: x\n", lines: []string{"2026/01/02 http: panic serving 127.0.0.1: x"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := NewExit(test.tail, func(file string) string {
				if trimmed, ok := strings.CutPrefix(file, "example.com/app/"); ok {
					file = "/home/me/app/" + trimmed
				}
				if !strings.HasPrefix(file, "/home/me/app/") {
					return ""
				}
				return file
			})
			var want []builder.Diagnostic
			if test.panic != "" {
				want = []builder.Diagnostic{{File: test.place, Line: test.line, Message: test.panic}}
			}
			if !slices.Equal(x.Panic, want) {
				t.Errorf("%+v, want %+v", x.Panic, want)
			}
			if test.panic == "" && !slices.Equal(x.Output, test.lines) {
				t.Errorf("output %q, want %q", x.Output, test.lines)
			}
		})
	}
}

func TestPortHolders(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the holder can be seen in /proc alone")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, taken := net.Listen("tcp", l.Addr().String())
	// Between fork and exec, a process that another test starts has the socket, too.
	syscall.ForkLock.RLock()
	got := PortHolders([]string{"server: starting", "2026/11/25 09:41:27 " + taken.Error(), "exit"})
	syscall.ForkLock.RUnlock()
	if want := fmt.Sprintf("%s is held by pid %d (", l.Addr(), os.Getpid()); len(got) != 1 || !strings.HasPrefix(got[0], want) {
		t.Errorf("got %q, want %s", got, want)
	}
	if got := PortHolders([]string{"listen tcp: address 8080: missing port in address"}); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}

func TestIsFault(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, output string
		status       syscall.WaitStatus
		want         bool
	}{
		{"a signal of the kernel", "", syscall.WaitStatus(syscall.SIGSEGV), true},
		{"an error of the runtime", "fatal error: found bad pointer in Go heap\n", 2 << 8, true},
		{"a signal that the runtime reports", "SIGILL: illegal instruction\nPC=0x4 m=0 sigcode=2\n", 2 << 8, true},
		{"a panic", "panic: runtime error: index out of range [1] with length 0\n", 2 << 8, false},
		{"a kill by the user", "", syscall.WaitStatus(syscall.SIGKILL), false},
		{"an exit", "giving up\n", 1 << 8, false},
	} {
		x := NewExit(test.output, func(string) string { return "" })
		if got := x.IsFault(test.status); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

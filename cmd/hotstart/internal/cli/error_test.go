package cli

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
	"github.com/hotstart/hotstart/starter"
)

func TestCodeAndHint(t *testing.T) {
	_, format := starter.ParsePort("eighty")
	broken := errors.New("broken")
	for _, c := range []struct {
		name     string
		err      error
		code     int
		hint     string
		reported bool
	}{
		{"no error", nil, OK, "", false},
		{"any error", broken, Failure, "", false},
		{"a command line", Usage(broken, "hotstart --help"), Misuse, "hotstart --help", false},
		{"a command line, wrapped", fmt.Errorf("x: %w", Usage(broken, "y")), Misuse, "y", false},
		{"a setting", &settings.Error{Place: "hotstart.toml:1", Err: broken}, Misuse, "", false},
		{"an address of the library", format, Misuse, format.(*starter.FormatError).Hint(), false},
		{"an address with another hint", WithHint(format, "y"), Misuse, "y", false},
		{"an error with a hint", WithHint(broken, "y"), Failure, "y", false},
		{"a usage error that keeps its hint", Usage(format, ""), Misuse, format.(*starter.FormatError).Hint(), false},
		{"a second signal", Signaled(syscall.SIGINT), 130, "", true},
		{"a program that succeeded", Exited(0), OK, "", true},
		{"a program that failed", Exited(3), 3, "", true},
	} {
		if code, hint, reported := Code(c.err), Hint(c.err), IsReported(c.err); code != c.code || hint != c.hint || reported != c.reported {
			t.Errorf("%s: %d, %q, %v", c.name, code, hint, reported)
		}
	}
}

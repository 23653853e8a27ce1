package gotool

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Flag is a flag of `go build` that was set.
type Flag struct {
	Name  string // without dashes
	Value string
}

// Flags are in the order in which the go command sees them: the last of a name wins.
type Flags []Flag

// switches are the flags that take no separate argument (`go help build`).
var switches = []string{"a", "n", "v", "x", "race", "msan", "asan", "cover", "work", "json",
	"linkshared", "modcacherw", "trimpath", "buildvcs"}

// ParseFlags reads flags as the go command does: -name, --name, -name=value and, unless the
// flag is a switch, -name value. Other arguments are skipped.
func ParseFlags(args []string) (flags Flags) {
	for i := 0; i < len(args); i++ {
		if !strings.HasPrefix(args[i], "-") {
			continue
		}
		name, value, given := strings.Cut(args[i][1:], "=")
		name = strings.TrimPrefix(name, "-")
		switch {
		case given:
		case slices.Contains(switches, name):
			value = "true"
		case i+1 < len(args):
			i++
			value = args[i]
		}
		flags = append(flags, Flag{name, value})
	}
	return flags
}

// Value returns the value of a flag; ok is false if the flag is not set.
func (f Flags) Value(name string) (value string, ok bool) {
	for _, flag := range slices.Backward(f) {
		if flag.Name == name {
			return flag.Value, true
		}
	}
	return "", false
}

// IsSet reports whether a switch is on.
func (f Flags) IsSet(name string) bool {
	value, _ := f.Value(name)
	on, _ := strconv.ParseBool(value)
	return on
}

// Check returns an error for a flag that does not work together with the builder.
func (f Flags) Check() error {
	for _, flag := range f {
		on, err := strconv.ParseBool(flag.Value)
		on = on || err != nil
		switch flag.Name {
		case "o":
			return fmt.Errorf("build flag -o=%s is not supported: hotstart chooses where the binary is written", flag.Value)
		case "C":
			return fmt.Errorf("build flag -C=%s is not supported: start hotstart in that folder", flag.Value)
		case "n":
			if on {
				return fmt.Errorf("build flag -n is not supported: the go command would only print its commands, and build nothing")
			}
		case "json", "x":
			if on {
				return fmt.Errorf("build flag -%s is not supported: hotstart could not find the errors in the output of the go command", flag.Name)
			}
		case "buildmode":
			if !slices.Contains([]string{"default", "exe", "pie"}, flag.Value) {
				return fmt.Errorf("build flag -buildmode=%s is not supported: it does not build a program; valid values are default, exe and pie", flag.Value)
			}
		}
	}
	return nil
}

// splitQuoted splits GOFLAGS into flags. A whole flag may be in single or double quotes;
// escape sequences do not exist (`go help environment`).
func splitQuoted(s string) (fields []string) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		end := " \t\r\n"
		if s[0] == '"' || s[0] == '\'' {
			s, end = s[1:], s[:1]
		}
		n := strings.IndexAny(s, end)
		if n < 0 {
			return append(fields, s)
		}
		fields = append(fields, s[:n])
		s = s[n+1:]
	}
	return fields
}

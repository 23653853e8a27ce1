package builder

import (
	"slices"
	"strconv"
	"strings"
)

// buildFlag is a flag of `go build` that was set, its name without dashes.
type buildFlag struct {
	name, value string
}

// buildFlags are in the order in which the go command sees them: the last of a name wins.
type buildFlags []buildFlag

// switches are the flags that take no argument after a space (`go help build`).
var switches = []string{"a", "n", "v", "x", "race", "msan", "asan", "cover", "work", "json",
	"linkshared", "modcacherw", "trimpath", "buildvcs"}

// parseFlags reads flags as the go command does: -name, --name, -name=value and, if it
// is no switch, -name value.
func parseFlags(args []string) (flags buildFlags) {
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
		flags = append(flags, buildFlag{name, value})
	}
	return flags
}

func (f buildFlags) value(name string) (value string, ok bool) {
	for _, flag := range slices.Backward(f) {
		if flag.name == name {
			return flag.value, true
		}
	}
	return "", false
}

func (f buildFlags) isSet(name string) bool {
	value, _ := f.value(name)
	on, _ := strconv.ParseBool(value)
	return on
}

// defaults returns the flags that make development builds fast, except those that the
// user has set. Each was measured: without a symbol table and DWARF linking takes about
// 40 % less; a profile makes everything compile again; the stamp runs the version control.
func (f buildFlags) defaults() (args []string) {
	for _, ours := range []buildFlag{{"ldflags", "-s -w"}, {"pgo", "off"}, {"buildvcs", "false"}} {
		if _, ok := f.value(ours.name); !ok {
			args = append(args, "-"+ours.name+"="+ours.value)
		}
	}
	return args
}

// acceptable returns an error for a flag that would take the build out of our hands.
func (f buildFlags) acceptable() error {
	for _, flag := range f {
		on, err := strconv.ParseBool(flag.value)
		on = on || err != nil
		switch flag.name {
		case "o":
			return misused("build flag -o=%s is not supported: hotstart chooses where the binary is written", flag.value)
		case "C":
			return misused("build flag -C=%s is not supported: start hotstart in that folder", flag.value)
		case "n":
			if on {
				return misused("build flag -n is not supported: the go command would only print its commands, and build nothing")
			}
		case "json", "x":
			if on {
				return misused("build flag -%s is not supported: hotstart could not find the errors in the output of the go command", flag.name)
			}
		case "buildmode":
			if !slices.Contains([]string{"default", "exe", "pie"}, flag.value) {
				return misused("build flag -buildmode=%s is not supported: it does not build a program; valid values are default, exe and pie", flag.value)
			}
		}
	}
	return nil
}

// splitQuoted splits GOFLAGS into flags. A whole flag may be in single or double quotes;
// there is no escaping (`go help environment`).
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

package air

import (
	"slices"
	"strings"
)

// command converts the build command: hotstart runs go build itself, and the
// commands before it as --before.
func (a *converter) command() string {
	steps := strings.Split(a.text("build.cmd"), "&&")
	for i, step := range steps {
		words := strings.Fields(step)
		if len(words) < 2 || words[0] != "go" || words[1] != "build" || strings.ContainsAny(step, "|;<>$`\"'") {
			continue
		}
		note := a.goBuild(words[2:])
		for _, earlier := range steps[:i] {
			a.add("before", strings.TrimSpace(earlier))
			note += "; the commands before it are run by before"
		}
		if len(steps) > i+1 {
			note += "; nothing is run between the build and the start: " + strings.TrimSpace(strings.Join(steps[i+1:], "&&"))
		}
		return note
	}
	return "none: hotstart runs go build itself, with package and build-flags; put other commands into before"
}

// valued lists the flags of go build whose value can be the next word.
var valued = []string{"-C", "-o", "-p", "-asmflags", "-buildmode", "-buildvcs", "-compiler", "-covermode", "-coverpkg", "-gccgoflags", "-gcflags",
	"-installsuffix", "-ldflags", "-mod", "-modfile", "-overlay", "-pgo", "-pkgdir", "-tags", "-toolexec"}

func (a *converter) goBuild(words []string) string {
	var flags []string
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case word == "-o":
			i++ // hotstart chooses the path of the binary
		case strings.HasPrefix(word, "-o="):
		case slices.Contains(valued, word) && i+1 < len(words):
			flags = append(flags, word, words[i+1])
			i++
		case strings.HasPrefix(word, "-"):
			flags = append(flags, word)
		default:
			a.add("package", word)
		}
	}
	note := "package"
	if len(flags) > 0 {
		note += " and " + a.set("build-flags", strings.Join(flags, " "))
	}
	return note
}

// arguments converts the program's arguments, which follow its path.
func (a *converter) arguments(words []string) string {
	if len(words) < 2 {
		return "none: hotstart chooses the path of the binary"
	}
	a.lists["args"] = append(slices.Clone(words[1:]), a.lists["args"]...)
	return "args"
}

// fullBin converts a line for the shell: variables, the binary, its arguments.
func (a *converter) fullBin() string {
	text := a.text("build.full_bin")
	words := strings.Fields(text)
	var variables []string
	for len(words) > 0 && strings.Contains(words[0], "=") {
		variables, words = append(variables, words[0]), words[1:]
	}
	note := "none: hotstart runs the binary"
	switch {
	case len(words) == 0:
	case strings.HasSuffix(words[0], "dlv"):
		return "none: attach the debugger to the worker; debug = true keeps what it needs"
	case strings.ContainsAny(text, "|;<>$`\"'&"):
		return "none: hotstart runs the binary, without a shell; see args and env-file"
	case len(words) > 1:
		note = a.arguments(words)
	}
	if len(variables) > 0 {
		note += "; write " + strings.Join(variables, ", ") + " into a file for env-file"
	}
	return note
}

package report

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
)

// Exit is what a worker left behind that has ended by itself.
type Exit struct {
	Output []string             // last lines that it wrote
	Panic  []builder.Diagnostic // where it panicked; empty if it did not
	InUse  []string             // for each address that it could not bind: which process holds it
}

// maxOutput is the number of lines that usually tell why a program has ended.
const maxOutput = 5

var (
	panicLine  = regexp.MustCompile(`(?m)^(panic|fatal error|SIGSEGV|SIGBUS|SIGILL|SIGTRAP): .*`)
	tracedFile = regexp.MustCompile(`(?m)^\t(.+\.go):(\d+)(?: \+0x[0-9a-f]+)?\r?$`)
)

// NewExit reads the end of what a worker wrote. source returns the path of a file in a
// stack trace if the user wrote that file, and else "": panics often begin in a library.
func NewExit(output string, source func(file string) string) (x Exit) {
	output = term.Plain(output)
	if text := strings.TrimRight(output, "\n"); output != "" {
		x.Output = strings.Split(text, "\n")
		x.Output = x.Output[max(len(x.Output)-maxOutput, 0):]
	}
	panics := panicLine.FindAllStringIndex(output, -1)
	if len(panics) == 0 {
		return x
	}
	trace := output[panics[len(panics)-1][0]:]
	var d builder.Diagnostic
	d.Message, _, _ = strings.Cut(trace, "\n")
	for _, at := range tracedFile.FindAllStringSubmatch(trace, -1) {
		if d.File = source(at[1]); d.File != "" {
			d.Line, _ = strconv.Atoi(at[2])
			break
		}
	}
	x.Panic = []builder.Diagnostic{d}
	return x
}

// IsFault reports whether a worker with this status has ended as wrong machine code ends: the kernel
// or the runtime of Go has ended it. A panic of the program is not meant.
func (x Exit) IsFault(status syscall.WaitStatus) bool {
	faults := []syscall.Signal{syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGILL, syscall.SIGTRAP}
	return status.Signaled() && slices.Contains(faults, status.Signal()) ||
		len(x.Panic) > 0 && !strings.HasPrefix(x.Panic[0].Message, "panic: ")
}

// show adds an exit to an event about a worker.
func (x Exit) show(e *entry, w starter.Worker) {
	e.Worker, e.PID = w.Generation, w.PID
	e.facts.Output, e.Errors = x.Output, problems(x.Panic)
	e.details.output, e.problems, e.notes = x.Output, x.Panic, x.InUse
}

// inUse is the error of package net for an address that another socket has. It comes
// from bind(2), or from listen(2) if the other socket shares its port, for example
// one of another hotstart.
var inUse = regexp.MustCompile(`listen tcp[46]? (\S*:(\d+)): (?:bind|listen): address already in use`)

// PortHolders names, for each address that a program could not bind, the process that
// holds it: a line for Exit.InUse. The addresses are known from the program's output
// alone.
func PortHolders(output []string) (lines []string) {
	for _, line := range output {
		m := inUse.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		port, _ := strconv.Atoi(m[2])
		if holder := starter.PortOwner(starter.Address{Network: "tcp", Port: port}); holder != "" {
			lines = append(lines, fmt.Sprintf("%s is held by %s", m[1], holder))
		}
	}
	return lines
}

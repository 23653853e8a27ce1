package report

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/hotstart/hotstart/starter"
)

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

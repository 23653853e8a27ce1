package main

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/hotstart/hotstart/starter"
)

// inUse is how package net says that an address is taken: at bind(2), or, by a
// socket that shares its port as those of another hotstart do, at listen(2).
var inUse = regexp.MustCompile(`listen tcp[46]? (\S*:(\d+)): (?:bind|listen): address already in use`)

// held names who holds the addresses that a program could not have, going by
// what it said; nobody else knows which ones they are.
func held(lines []string) (more string) {
	for _, line := range lines {
		m := inUse.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		port, _ := strconv.Atoi(m[2])
		if holder := starter.Holder(starter.Address{Network: "tcp", Port: port}); holder != "" {
			more += fmt.Sprintf("  %s is held by %s\n", m[1], holder)
		}
	}
	return more
}

package main

import (
	"os/exec"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// writeProgram writes a file that can be executed, and has another process
// do so: what this one has had open for writing may still be open in a child
// that is being forked by another test, and then can't be executed (ETXTBSY,
// golang.org/issue/22315). What was there under that name stays what it was.
func writeProgram(path, content string) error {
	cmd := exec.Command("sh", "-c", `rm -f "$1" && cat >"$1" && chmod 755 "$1"`, "sh", path)
	cmd.Stdin = strings.NewReader(content)
	return cmd.Run()
}

// program FILE [TO]: makes a program of a file of the script.
func cmdProgram(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: program FILE [TO]")
	}
	ts.Check(writeProgram(ts.MkAbs(args[len(args)-1]), ts.ReadFile(args[0])))
}

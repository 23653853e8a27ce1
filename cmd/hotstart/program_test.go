package main

import (
	"os/exec"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// writeProgram writes an executable file with the help of another process: a file
// that this process has opened for writing can still be open in a child that another
// test is forking, and then can't be executed (ETXTBSY, golang.org/issue/22315). An
// existing file of that name is replaced, not changed.
func writeProgram(path, content string) error {
	cmd := exec.Command("sh", "-c", `rm -f "$1" && cat >"$1" && chmod 755 "$1"`, "sh", path)
	cmd.Stdin = strings.NewReader(content)
	return cmd.Run()
}

// program FILE [TO]: makes a file of the script executable.
func cmdProgram(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: program FILE [TO]")
	}
	ts.Check(writeProgram(ts.MkAbs(args[len(args)-1]), ts.ReadFile(args[0])))
}

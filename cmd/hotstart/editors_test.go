package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// problems [PATTERN...]: Visual Studio Code, with the task of .vscode/tasks.json, shows
// exactly these problems for the output so far, and the task is not active.
// vscode_problems.js applies the rules of Visual Studio Code. The collector itself, from
// npm's @codingame/monaco-vscode-task-service-override 37.6.1, showed the same problems at
// every step of the script problems.txtar.
func cmdProblems(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	s := processOf(ts)
	matcher, err := filepath.Abs("testdata/vscode_problems.js")
	ts.Check(err)
	cmd := exec.Command("node", matcher, ts.MkAbs(".vscode/tasks.json"), s.dir)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(s.out.String()), &stderr
	out, err := cmd.Output()
	if err != nil {
		ts.Fatalf("%v\n%s", err, &stderr)
	}
	var state struct {
		Active   bool
		Problems []string
	}
	ts.Check(json.Unmarshal(out, &state))
	if state.Active {
		ts.Fatalf("the task is active")
	}
	matches := len(state.Problems) == len(args)
	for i := 0; matches && i < len(args); i++ {
		matches = regexp.MustCompile("^(?:" + args[i] + ")$").MatchString(state.Problems[i])
	}
	if !matches {
		ts.Fatalf("problems %q, want %q", state.Problems, args)
	}
}

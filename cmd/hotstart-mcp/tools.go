package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const instructions = "hotstart watch builds a Go server and reloads it when its files change. " +
	"After you have edited files, call wait: it returns when exactly what is on disk is served, or with the errors if it can't be. " +
	"Then send requests to the addresses of status. Do not sleep, and do not start the server yourself. " +
	"If no hotstart runs, ask the user to run hotstart watch in the folder of the project."

// newServer returns a server with a tool for each command.
func newServer(h hotstart) *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "hotstart", Title: "hotstart", Version: version()}, &mcp.ServerOptions{
		Instructions: instructions, Capabilities: &mcp.ServerCapabilities{},
	})
	no := false
	reads := &mcp.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: &no}
	mcp.AddTool(s, &mcp.Tool{Name: "status", Annotations: reads,
		Description: "What runs: state, the worker that serves and the age of its code, what has failed and why, addresses, old workers that finish, counters."}, h.status)
	mcp.AddTool(s, &mcp.Tool{Name: "wait", Annotations: reads,
		Description: "Wait until exactly what is on disk now is served. The outcome is served; failed, with the errors of the build, the start or a rule; or timeout. Call it after each edit."}, h.wait)
	mcp.AddTool(s, &mcp.Tool{Name: "build_errors", Annotations: reads,
		Description: "Why the newest code is not served, as text: each error as file:line:column: message, the place of a panic, and the last lines of the program."}, h.buildErrors)
	mcp.AddTool(s, &mcp.Tool{Name: "logs", Annotations: reads,
		Description: "The last lines that the program has written, each after the number of its worker if that is known."}, h.logs)
	mcp.AddTool(s, &mcp.Tool{Name: "reload", Annotations: &mcp.ToolAnnotations{DestructiveHint: &no, OpenWorldHint: &no},
		Description: "Build and start the program even if nothing has changed, without losing a request, and wait for the result. An edit needs no reload: hotstart sees it."}, h.reload)
	return s
}

type waitInput struct {
	target
	Timeout float64 `json:"timeout_seconds,omitempty" jsonschema:"give up after this many seconds; default: 60"`
}

// flag is the timeout as a flag of hotstart.
func (w waitInput) flag() string {
	if w.Timeout <= 0 {
		w.Timeout = 60
	}
	return "--timeout=" + strconv.FormatFloat(w.Timeout, 'f', -1, 64) + "s"
}

type reloadInput struct {
	waitInput
	Restart bool `json:"restart,omitempty" jsonschema:"start the same program again, and build only if there is newer code"`
}

type logsInput struct {
	target
	Lines int `json:"lines,omitempty" jsonschema:"number of lines; default: 100"`
}

func (h hotstart) status(ctx context.Context, _ *mcp.CallToolRequest, in target) (*mcp.CallToolResult, any, error) {
	answer, err := h.ask(ctx, in, "status")
	return nil, answer, err
}

func (h hotstart) wait(ctx context.Context, _ *mcp.CallToolRequest, in waitInput) (*mcp.CallToolResult, any, error) {
	answer, err := h.ask(ctx, in.target, "wait", in.flag())
	return nil, answer, err
}

func (h hotstart) reload(ctx context.Context, _ *mcp.CallToolRequest, in reloadInput) (*mcp.CallToolResult, any, error) {
	name := "reload"
	if in.Restart {
		name = "restart"
	}
	answer, err := h.ask(ctx, in.target, name, "--wait", in.flag())
	return nil, answer, err
}

func (h hotstart) logs(ctx context.Context, _ *mcp.CallToolRequest, in logsInput) (*mcp.CallToolResult, any, error) {
	if in.Lines <= 0 {
		in.Lines = 100
	}
	lines, err := h.call(ctx, in.target, "logs", "--last="+strconv.Itoa(in.Lines))
	if lines == "" {
		lines = "the program has written nothing"
	}
	return text(lines), nil, err
}

func (h hotstart) buildErrors(ctx context.Context, _ *mcp.CallToolRequest, in target) (*mcp.CallToolResult, any, error) {
	answer, err := h.ask(ctx, in, "status")
	if err != nil {
		return nil, nil, err
	}
	var s status
	if err := json.Unmarshal(answer, &s); err != nil {
		return nil, nil, fmt.Errorf("reading the status: %w", err)
	}
	return text(s.errors()), nil, nil
}

// status is the part of the answer of hotstart status that has failures.
type status struct {
	State   string
	Failure *struct {
		Message     string
		Diagnostics []struct {
			File         string
			Line, Column int
			Message      string
		}
		Output []string
	}
}

// errors returns the failure in the form of the go command.
func (s status) errors() string {
	if s.Failure == nil {
		return "no errors; the state is " + s.State
	}
	var b strings.Builder
	fmt.Fprintln(&b, s.Failure.Message)
	for _, d := range s.Failure.Diagnostics {
		if d.File != "" {
			fmt.Fprintf(&b, "%s:%d:%d: ", d.File, max(d.Line, 1), max(d.Column, 1))
		}
		fmt.Fprintln(&b, d.Message)
	}
	for _, line := range s.Failure.Output {
		fmt.Fprintln(&b, line)
	}
	return b.String()
}

func text(s string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: s}}}
}

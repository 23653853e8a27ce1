package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// hotstart runs commands of hotstart.
type hotstart struct {
	path string
	dir  string // absolute folder of the project
}

// target says which hotstart is asked. The zero target is that of the project's folder.
type target struct {
	Dir  string `json:"dir,omitempty" jsonschema:"folder of the project, absolute or relative to the folder of this server; default: that folder"`
	Name string `json:"name,omitempty" jsonschema:"the hotstart that was started with this --name, in the place of the one of a folder"`
}

// killDelay is the time that a command has to end after the client has cancelled a call.
const killDelay = time.Second

// call runs a command, and returns what it printed. An exit code other than 0 is an error
// only if the command printed no result: a failed build is a result, too.
func (h hotstart) call(ctx context.Context, t target, args ...string) (string, error) {
	dir := t.Dir
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(h.dir, dir)
	}
	if t.Name != "" {
		args = append(args, "--name="+t.Name)
	} else {
		args = append(args, "--dir="+dir)
	}
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(ctx, h.path, args...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &stdout, &stderr, killDelay
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil || stdout.Len() > 0:
		return stdout.String(), nil
	case errors.As(err, &exit) && stderr.Len() > 0:
		return "", errors.New(strings.TrimSpace(strings.TrimPrefix(stderr.String(), "hotstart: ")))
	}
	return "", fmt.Errorf("running hotstart %s: %w", args[0], err)
}

// ask runs a command that answers with JSON.
func (h hotstart) ask(ctx context.Context, t target, args ...string) (json.RawMessage, error) {
	text, err := h.call(ctx, t, append(args, "--json")...)
	if err != nil {
		return nil, err
	}
	if !json.Valid([]byte(text)) {
		return nil, fmt.Errorf("hotstart %s has not answered with JSON: %.200q; want the same version of hotstart and hotstart-mcp", args[0], text)
	}
	return json.RawMessage(strings.TrimSpace(text)), nil
}

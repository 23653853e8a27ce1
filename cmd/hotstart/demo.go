package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/hotstart/hotstart/templates"
)

func newDemoCmd() *cobra.Command {
	var port string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Write a small server into a temporary folder and watch it",
		Long: "Demo writes a small server into a temporary folder and watches it. Edit the file\n" +
			"that it names, and reload the page. The folder goes when demo ends, unless you\n" +
			"have changed something in it.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd, port) },
	}
	cmd.Flags().StringVar(&port, "port", "8080", "listen on `port`")
	return cmd
}

func runDemo(cmd *cobra.Command, port string) error {
	dir, err := os.MkdirTemp("", "hotstart-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the demo: %w", err)
	}
	if err := templates.Write(templates.Demo, dir); err != nil {
		os.RemoveAll(dir)
		return err
	}
	u := newUI(cmd.ErrOrStderr(), colorOf(cmd))
	file := filepath.Join(dir, "main.go")
	before, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	u.say("edit %s and see http://localhost:%s change", file, port)
	o := defaultWatchOptions()
	o.dir, o.ports, o.args = dir, []string{port}, []string{port}
	err = runWatch(cmd, o)
	if after, _ := os.ReadFile(file); bytes.Equal(before, after) {
		os.RemoveAll(dir)
	} else {
		u.say("your changes are still in %s", dir)
	}
	return err
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session"
	"github.com/hotstart/hotstart/templates"
)

func newDemoCmd() *cobra.Command {
	var port string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Write a small server into a temporary folder and watch it",
		Long: "Demo writes a small server into a temporary folder and watches it. Edit the file\n" +
			"whose path it prints, and reload the page. The folder is removed when demo ends,\n" +
			"unless you have changed something in it.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd, port) },
	}
	cmd.Flags().StringVar(&port, "port", "8080", "listen on `port`")
	return cmd
}

func runDemo(cmd *cobra.Command, port string) error {
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return cli.Usage(fmt.Errorf("invalid --port %q: want a number from 1 to 65535", port), "hotstart demo --port=8080")
	}
	dir, err := os.MkdirTemp("", "hotstart-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the demo: %w", err)
	}
	err = templates.Write(templates.Demo, dir)
	if err == nil {
		err = age(dir)
	}
	if err != nil {
		os.RemoveAll(dir)
		return err
	}
	o := session.DefaultOptions()
	o.Dir, o.Ports, o.Args = dir, []string{port}, []string{port}
	o.Welcome = fmt.Sprintf("edit %s and reload http://localhost:%s", filepath.Join(dir, "main.go"), port)
	err = runWatch(cmd, o, nil)
	if templates.Remove(templates.Demo, dir) != nil {
		_, log := newLog(cmd.ErrOrStderr(), cmd)
		log.Handle(report.Notef("your changes are still in %s", dir))
	}
	return err
}

// age has the files of a folder be too old to have changed since the build
// that follows.
func age(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	old := time.Now().Add(-time.Minute)
	for _, e := range entries {
		if err := os.Chtimes(filepath.Join(dir, e.Name()), old, old); err != nil {
			return err
		}
	}
	return nil
}

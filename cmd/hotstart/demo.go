package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
	"github.com/hotstart/hotstart/templates"
)

func newDemoCmd() *cobra.Command {
	port := "8080"
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Write a small server into a temporary folder and watch it",
		Long: "Demo writes a small server into a temporary folder and watches it. Edit the file\n" +
			"whose path it prints, and reload the page. The folder is removed when demo ends,\n" +
			"unless you have changed something in it.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd, port) },
	}
	cmd.Flags().Var(settings.Parsed(&port, "port", port, settings.ParsePort(1)), "port", "listen on `port`")
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
	o := session.DefaultOptions()
	o.Dir, o.Starter.Ports, o.Args = dir, []string{port}, []string{port}
	_, log := newLog(cmd.ErrOrStderr(), cmd)
	log.Handle(report.Notef("edit %s and reload http://localhost:%s", filepath.Join(dir, "main.go"), port))
	err = watch(cmd, o, session.Settings{})
	if templates.Remove(templates.Demo, dir) != nil {
		log.Handle(report.Notef("your changes are still in %s", dir))
	}
	return err
}

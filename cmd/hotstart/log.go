package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
)

// newLog writes events as the flags of a command say. With --color=auto colours are on
// if w is a terminal and NO_COLOR is not set.
func newLog(w io.Writer, cmd *cobra.Command) (*term.Screen, *report.Log) {
	format := textOf(cmd, "log-format")
	terminal := term.IsTerminal(w) && os.Getenv("TERM") != "dumb" && format != formatPlain
	if format == formatJSON {
		screen := term.NewScreen(w, false)
		return screen, report.NewJSONLog(screen)
	}
	when := textOf(cmd, "color")
	colored := when == "always" || when == "auto" && terminal && os.Getenv("NO_COLOR") == ""
	screen := term.NewScreen(w, terminal)
	log := report.NewTextLog(screen, colored, colored && terminal)
	log.Dir, _ = os.Getwd()
	return screen, log
}

// colorSpec is the setting that every command has. newLog reads it by name.
func colorSpec() settings.Spec {
	color := "auto"
	return settings.Spec{Name: "color", Value: settings.Choice(&color, "auto", "always", "never"), Usage: "colour the output"}
}

// Values of --log-format, which hotstart watch has.
const (
	formatText  = "text"
	formatPlain = "plain"
	formatJSON  = "json"
)

// textOf returns the text of a flag; "" if the command does not have it.
func textOf(cmd *cobra.Command, name string) string {
	if flag := cmd.Flag(name); flag != nil {
		return flag.Value.String()
	}
	return ""
}

package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/session"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
)

// update makes the tests write the generated parts of the documents.
var update = flag.Bool("update", false, "write the generated parts of the documents")

const watchDoc = "../../docs/watch.md"

// TestGeneratedDocs compares the parts of the documents that follow from the
// tables of settings. To write them: go test ./cmd/hotstart -run GeneratedDocs -update
func TestGeneratedDocs(t *testing.T) {
	const fence = "```\n"
	checkPart(t, watchDoc, "help", fence+watchUsage()+fence)
	checkPart(t, "../../docs/run.md", "help", fence+settings.NewSet(nil, newRunOptions().table()...).Usages()[1:]+fence)
	checkPart(t, "../../docs/config.md", "changes", liveTable())
	checkPart(t, "../../README.md", "flags", flagTable())
	checkFile(t, "../../docs/hotstart.schema.json", newWatchFlags(nil).set.Schema())
}

// checkPart compares the part of a document between two markers.
func checkPart(t *testing.T, file, name, want string) {
	begin, end := fmt.Sprintf("<!-- generated: %s -->\n", name), "<!-- end -->\n"
	before, rest, ok := strings.Cut(read(t, file), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no part %q", file, name)
	}
	checkFile(t, file, before+begin+want+end+after)
}

func checkFile(t *testing.T, file, want string) {
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, file) != want {
		t.Errorf("%s is out of date; run: go test ./cmd/hotstart -run GeneratedDocs -update", file)
	}
}

func read(t *testing.T, file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// watchUsage returns the help of hotstart watch without its description.
func watchUsage() string {
	cmd, _, err := newRootCmd().Find([]string{"watch"})
	if err != nil {
		panic(err)
	}
	return cmd.UsageString()
}

// flagTable lists the flags of hotstart watch in the groups of its help.
func flagTable() string {
	var o session.Options
	text := "| about | flags |\n|---|---|\n"
	for _, g := range watchTable(&o) {
		var names []string
		for _, s := range g.Specs {
			if !s.KeyOnly {
				names = append(names, "`--"+s.Name+"`")
			}
		}
		if len(names) > 0 {
			text += fmt.Sprintf("| %s | %s |\n", strings.ToLower(g.Title), strings.Join(names, ", "))
		}
	}
	return text
}

// liveTable says what a change of each key of hotstart.toml applies to.
func liveTable() string {
	var o session.Options
	names := func(is func(settings.Spec) bool) string {
		var all []string
		for _, g := range watchTable(&o) {
			for _, s := range g.Specs {
				if !s.FlagOnly && is(s) {
					all = append(all, "`"+s.Name+"`")
				}
			}
		}
		return strings.Join(all, ", ")
	}
	text := "| a change of | effect |\n|---|---|\n"
	for _, row := range []struct {
		bit  uint
		what string
	}{
		{session.AppliesToBuild, "hotstart builds the program"},
		{session.AppliesToStart, "hotstart restarts the program"},
		{session.AppliesToRules, "hotstart runs the rules"},
		{session.AppliesToFiles, "hotstart watches other files"},
		{session.AppliesToTimes, "timeouts that begin later have the new length"},
		{session.AppliesLater, "the new value is used the next time"},
	} {
		text += fmt.Sprintf("| %s | %s |\n", names(func(s settings.Spec) bool { return s.Live&row.bit != 0 }), row.what)
	}
	return text + fmt.Sprintf("| %s | none until hotstart is restarted |\n", names(func(s settings.Spec) bool { return s.Live == 0 }))
}

package settings

import (
	"fmt"

	"github.com/spf13/cobra"
)

// suggestion asks whether the nearest of the known names was meant, as cobra asks for
// a command. It is empty if no name is near. prefix is shown before the name.
func suggestion(name string, known []string, prefix string) string {
	var c cobra.Command
	for _, k := range known {
		c.AddCommand(&cobra.Command{Use: k, Run: func(*cobra.Command, []string) {}})
	}
	for c.SuggestionsMinimumDistance = 1; c.SuggestionsMinimumDistance <= 1+len(name)/3; c.SuggestionsMinimumDistance++ {
		if near := c.SuggestionsFor(name); len(near) > 0 {
			return fmt.Sprintf("; did you mean %s?", prefix+near[0])
		}
	}
	return ""
}

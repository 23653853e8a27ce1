package delta

import (
	"fmt"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
)

func TestHot(t *testing.T) {
	t.Parallel()
	var h hotPackages
	c := &linktool.Command{Main: "m"}
	archives := map[string]string{"m": "1", "a": "1", "b": "1", "c": "1"}
	with := func(path, file string) map[string]string {
		changed := map[string]string{path: file}
		for path, file := range archives {
			if changed[path] == "" {
				changed[path] = file
			}
		}
		return changed
	}
	expect := func(when string, in map[string]string, want ...string) {
		t.Helper()
		got := h.in(in)
		for _, path := range want {
			if !got[path] {
				t.Errorf("%s: %s is not hot", when, path)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %v, want %q", when, got, want)
		}
	}
	h.linked(c, archives)
	expect("at first", archives, "m")
	archives = with("a", "2")
	h.link(archives)
	expect("after an edit", archives, "m", "a")
	expect("without the import", map[string]string{"m": "1"}, "m")
	for i := range maxHot + 1 {
		archives = with(fmt.Sprint(i), "1")
	}
	h.link(archives)
	expect("after a checkout", archives, "m", "a")
	archives = with("c", "2")
	h.linked(c, archives)
	expect("after a build of the go command", archives, "m", "a")
	archives = with("b", "2")
	h.link(archives)
	expect("after another edit", archives, "m", "a", "b")
}

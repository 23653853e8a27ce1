package proc

import "testing"

func TestIsDeadOrphan(t *testing.T) {
	t.Parallel()
	for stat, want := range map[string]bool{
		"50 (sh) Z 1 50 7 0":       false, // a worker, or another child with a group of its own
		"50 (go) Z 1 10 7 0":       false, // a child in our group
		"50 (sh) S 1 40 7 0":       false, // alive
		"50 (sh) Z 1 40 7 0":       true,  // of a worker's group
		"50 (sh) Z 1 50 50 0":      true,  // of a session of its own
		"50 (a) Z 1 (x) Z 1 40 7 ": true,  // with a misleading name
		"50 (sh) Z":                false,
		"":                         false,
	} {
		if got := isDeadOrphan([]byte(stat), 50, 10, 7); got != want {
			t.Errorf("%q is an orphan: %v", stat, got)
		}
	}
}

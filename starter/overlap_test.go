package starter

import "testing"

func TestParseOverlap(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"auto", "on", "off"} {
		if o, err := ParseOverlap(name); err != nil || string(o) != name {
			t.Errorf("%s: %v, %v", name, o, err)
		}
	}
	if _, err := ParseOverlap("never"); err == nil {
		t.Error(`"never" is taken`)
	}
}

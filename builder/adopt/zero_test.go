package adopt_test

import (
	"strings"
	"testing"
)

// Port 0 is the same port in each generation.
func TestPort0(t *testing.T) {
	t.Parallel()
	r := serve(t, nil, "zero", "127.0.0.1:0", "127.0.0.1:0", "localhost:0")
	r.until("it says where", func() bool { return strings.Count(r.text(), "\n") == 3 })
	first := r.text()
	for range 2 {
		before := len(r.text())
		r.reload()
		r.until("it says where", func() bool { return strings.Count(r.text()[before:], "\n") == 3 })
		if now := r.text()[before:]; now != first {
			t.Errorf("%s, then %s", first, now)
		}
	}
}

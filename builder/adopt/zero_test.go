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

// Several listeners on port 0 at the same time do not exchange their ports: each gets the same port again if the call
// sites differ, and a new port if several goroutines listen at one call site.
func TestPorts0AtATime(t *testing.T) {
	t.Parallel()
	names := []string{"api", "metrics", "loop1", "loop02", "loop003"}
	path, err := server()
	if err != nil {
		t.Fatal(err)
	}
	r := prepare(t, path, []string{"zeros", freePort(t, "127.0.0.1")}, nil)
	before := map[string]string{} // call site of each address
	for n := 1; n <= 4; n++ {
		r.starter.Reload(r.command)
		for _, name := range names {
			r.until("they all listen", func() bool { return len(r.addressesAfter(name)) == n })
		}
		r.left(n - 1)
		for _, name := range names {
			at := r.addressesAfter(name)[n-1]
			if other := before[at]; other != "" && other != name {
				t.Errorf("%s of worker %d listens where %s did", name, n, other)
			}
			if n > 1 && name[0] != 'l' && before[at] != name {
				t.Errorf("%s of worker %d has another port", name, n)
			}
			before[at] = name
		}
	}
}

package graph

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/hotstart/hotstart/builder/internal/gotool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type config = gotool.Config

// listerIn returns a Lister for a directory. The default package is ".".
func listerIn(t testing.TB, dir string, c config) *Lister {
	t.Helper()
	if c.Dir = dir; c.Packages == nil {
		c.Packages = []string{"."}
	}
	p, err := gotool.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return NewLister(p)
}

func mustList(t testing.TB, l *Lister) *Graph {
	t.Helper()
	g, err := l.List(t.Context())
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	return g
}

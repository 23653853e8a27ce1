package graph

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/hotstart/hotstart/builder/internal/gotool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type project = gotool.Project

// listerIn returns a Lister for a directory. The default package is ".".
func listerIn(t testing.TB, dir string, p project) *Lister {
	t.Helper()
	if p.Dir = dir; p.Packages == nil {
		p.Packages = []string{"."}
	}
	if err := p.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return NewLister(&p)
}

func mustList(t testing.TB, l *Lister) *Graph {
	t.Helper()
	g, err := l.List(t.Context())
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	return g
}

package ready

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A TestNotifySocketFindsAPlace that is too deep for the address of a socket, or that can't be
// written to, is passed over.
func TestNotifySocketFindsAPlace(t *testing.T) {
	t.Parallel()
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	if err := os.Mkdir(deep, 0o777); err != nil {
		t.Fatal(err)
	}
	if n, err := NewNotifySocket(deep, "/missing"); err == nil || !strings.Contains(err.Error(), "is longer than") || !strings.Contains(err.Error(), "/missing: no such file") {
		t.Errorf("%v, %v", n, err)
	}
	if names, err := os.ReadDir(deep); err != nil || len(names) > 0 {
		t.Errorf("it left %v, %v", names, err)
	}
	n, err := NewNotifySocket(append([]string{deep, "/missing"}, NotifyDirs("")...)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if fmt.Sprint(NotifyDirs("/scratch")[0]) != "/scratch" {
		t.Error("it does not prefer the folder that is removed in any case")
	}
}

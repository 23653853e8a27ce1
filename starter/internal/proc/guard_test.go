package proc

import (
	"strings"
	"testing"
)

func TestGroups(t *testing.T) {
	t.Parallel()
	got := groups(strings.NewReader("+5\n+6\n-5\n+x\n\n+\n+0\n+1\n+-7\n-9\n+8\n+8\n"))
	if len(got) != 2 || !got[6] || !got[8] {
		t.Errorf("%v", got)
	}
}

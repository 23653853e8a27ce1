package builder

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	RunTool()
	goleak.VerifyTestMain(m)
}

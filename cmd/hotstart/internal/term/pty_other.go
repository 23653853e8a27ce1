//go:build !linux

package term

import (
	"errors"
	"os"
)

const HavePTY = false

// openPTY is not done here: each system makes pseudo-terminals in a way of
// its own. A worker then writes to hotstart's terminal by itself, and its last
// lines are not known.
func OpenPTY() (master, slave *os.File, err error) {
	return nil, nil, errors.New("a pseudo-terminal: " + errors.ErrUnsupported.Error())
}

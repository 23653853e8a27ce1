//go:build !linux

package term

import (
	"errors"
	"os"
)

// HavePTY says whether OpenPTY is implemented.
const HavePTY = false

// OpenPTY is implemented on Linux alone, since each system opens pseudo-terminals in
// another way. Elsewhere a worker writes to hotstart's terminal directly, and its last
// lines are not known.
func OpenPTY() (master, slave *os.File, err error) {
	return nil, nil, errors.New("a pseudo-terminal: " + errors.ErrUnsupported.Error())
}

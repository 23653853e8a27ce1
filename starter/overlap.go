package starter

import "fmt"

// Overlap says whether an old worker and a new one may run at the same time.
type Overlap string

const (
	// OverlapOn starts the new worker while the old one serves.
	OverlapOn Overlap = "on"
	// OverlapOff stops the old worker before the new one is started, for programs
	// that can run only once. Connections to kept sockets wait in between. If the
	// new worker fails, the previous command is started again.
	OverlapOff Overlap = "off"
	// OverlapAuto is OverlapOn until a new worker fails or hangs because of a
	// resource that the old one holds, and OverlapOff from then on.
	OverlapAuto Overlap = "auto"
)

// ParseOverlap parses an Overlap.
func ParseOverlap(s string) (Overlap, error) {
	switch o := Overlap(s); o {
	case OverlapOn, OverlapOff, OverlapAuto:
		return o, nil
	}
	return "", fmt.Errorf("%q is invalid; want auto, on or off", s)
}

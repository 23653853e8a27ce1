package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"time"
)

// linkerTime is how long hotstart may take to build its linker, once for each Go release, and to
// prepare it for the next edit. It does both at the lowest priority.
const linkerTime = 3 * time.Minute

// awaitLinker waits until the next edit can be linked by delta, as it is when a user has edited
// for a while, and saves less often than every few seconds.
func (r *running) awaitLinker(hotstart string) error {
	reason := ""
	for end := time.Now().Add(linkerTime); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		status := exec.Command(hotstart, "status", "--json")
		status.Dir = r.project.dir
		out, err := status.Output()
		if err != nil {
			return fmt.Errorf("hotstart status: %w", err)
		}
		var s struct {
			Build struct {
				Reason string
				Delta  struct {
					Ready  bool
					Reason string
				}
			}
		}
		if err := json.Unmarshal(out, &s); err != nil {
			return fmt.Errorf("hotstart status: %w", err)
		}
		if s.Build.Delta.Ready {
			return nil
		}
		reason = s.Build.Reason + s.Build.Delta.Reason
	}
	return fmt.Errorf("the delta linker is not ready: %s", reason)
}

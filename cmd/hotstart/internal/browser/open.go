package browser

import (
	"os"
	"os/exec"
	"runtime"
)

// Open shows an address in the user's browser, which keeps running when this
// process ends.
func Open(address string) error {
	name := os.Getenv("BROWSER")
	switch {
	case name != "":
	case runtime.GOOS == "darwin":
		name = "open"
	default:
		name = "xdg-open"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return err
	}
	return runDetached(exec.Command("/bin/sh", "-c", `"$0" "$1" >/dev/null 2>&1 &`, path, address))
}

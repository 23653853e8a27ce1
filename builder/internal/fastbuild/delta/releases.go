package delta

// tested are the Go releases that deltas were tested with, by the hash of the
// sources that they rely on.
var tested = map[string]string{
	"5bc189e7233d8ede82baa019aed09827": "go1.26.8",
}

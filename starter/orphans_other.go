//go:build !linux

package starter

// Without a child subreaper, orphans are init's.
func reapOrphans(<-chan struct{}) {}

func endOrphans() {}

func reapStrangers(map[int]bool) {}

package main

import "github.com/hotstart/hotstart/builder"

// onProgress keeps the latest progress of a build for the loop. Called by builds.
func (w *watch) onProgress(p builder.Progress) {
	for {
		select {
		case w.progress <- p:
			return
		case <-w.progress:
		}
	}
}

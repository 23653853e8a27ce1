package watcher

import (
	"fmt"
	"testing"
	"time"
)

// From the end of a save to the receipt of its batch, with 100 directories watched.
func BenchmarkSaveToBatch(b *testing.B) {
	f := watch(b, Options{MaxDelay: 100 * time.Millisecond})
	files := f.project(100, 10)
	f.set(files)
	b.ResetTimer()
	for i := range b.N {
		f.write("50/5.go", fmt.Sprint("package p // ", i))
		f.receive()
	}
}

// The first Watch: everything is read.
func BenchmarkWatchNew(b *testing.B) {
	f := watch(b, Options{})
	files := f.project(500, 10)
	b.ResetTimer()
	for range b.N {
		f.set(files)
		b.StopTimer()
		f.set(Files{})
		b.StartTimer()
	}
}

// Watch after each build, when little is new.
func BenchmarkWatchAgain(b *testing.B) {
	f := watch(b, Options{})
	files := f.project(500, 10)
	f.set(files)
	b.ResetTimer()
	for range b.N {
		f.set(files)
	}
}

// The cost of one poll.
func BenchmarkPoll(b *testing.B) {
	f := watch(b, Options{Poll: time.Hour})
	f.set(f.project(500, 10))
	b.ResetTimer()
	for range b.N {
		f.Watcher.mu.Lock()
		f.Watcher.set.now = time.Now().Add(time.Minute) // when the files are trusted
		f.Watcher.set.poll()
		f.Watcher.mu.Unlock()
	}
}

// project makes packages with the given number of files of 4 KB each.
func (f *fixture) project(dirs, files int) Files {
	text := make([]byte, 4096)
	var names []string
	for d := range dirs {
		name := fmt.Sprint(d)
		f.mkdir(name)
		for i := range files {
			f.write(fmt.Sprintf("%s/%d.go", name, i), fmt.Sprint(i, text))
		}
		names = append(names, name)
	}
	return Files{Dirs: f.paths(names...), Match: isGo}
}

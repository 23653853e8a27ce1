package watcher

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func isGo(path string) bool { return strings.HasSuffix(path, ".go") }

// patient returns options for tests that count batches on a busy machine: a batch settles only after a long quiet time.
func patient() Options { return Options{Settle: 100 * time.Millisecond, MaxDelay: 5 * time.Second} }

// atOnce changes files next to a.go, which contains "old", within the settle time. If the machine is too slow for that,
// atOnce does it again in another directory.
func atOnce(t *testing.T, change func(f *fixture)) (f *fixture, began time.Time) {
	t.Helper()
	for range 50 {
		f := watch(t, patient())
		f.write("a.go", "old")
		f.set(Files{Dirs: f.paths(""), Match: isGo})
		began := time.Now()
		change(f)
		if time.Since(began) < patient().Settle {
			return f, began
		}
	}
	t.Fatal("this machine is too slow")
	panic("unreachable")
}

func TestSavesAreOneChange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		save func(f *fixture)
	}{
		{"in place, truncated first", func(f *fixture) { f.write("a.go", "new") }},
		{"truncated, and written later", func(f *fixture) {
			must(t, os.Truncate(f.path("a.go"), 0))
			f.write("a.go", "new")
		}},
		{"vim: the old one renamed to a backup, a new one written, the backup removed", func(f *fixture) {
			f.rename("a.go", "a.go~")
			f.write("a.go", "new")
			f.removeAll("a.go~")
		}},
		{"vim's probe for what the directory allows", func(f *fixture) {
			f.write("4913", "")
			f.removeAll("4913")
			f.write("a.go", "new")
		}},
		{"JetBrains: a new file renamed over it, the old one moved aside", func(f *fixture) {
			f.write("a.go___jb_tmp___", "new")
			f.rename("a.go", "a.go___jb_old___")
			f.rename("a.go___jb_tmp___", "a.go")
			f.removeAll("a.go___jb_old___")
		}},
		{"a new file renamed over it", func(f *fixture) {
			f.write(".a.go.tmp", "new")
			f.rename(".a.go.tmp", "a.go")
		}},
		{"removed and made again", func(f *fixture) {
			f.removeAll("a.go")
			f.write("a.go", "new")
		}},
		{"written in many pieces", func(f *fixture) {
			for i := range 20 {
				f.write("a.go", strings.Repeat("new", i))
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f, before := atOnce(t, test.save)
			b := f.receive()
			if !slices.Equal(b.Paths, f.paths("a.go")) {
				t.Errorf("batch %q, want a.go", b.Paths)
			}
			if b.Since.Before(before) || b.Since.After(time.Now()) {
				t.Errorf("since %v, saved at %v", b.Since, before)
			}
			f.expectNoMore("")
		})
	}
}

func TestUnchangedContentIsNoChange(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(f *fixture){
		"touch":                      func(f *fixture) { must(t, os.Chtimes(f.path("a.go"), time.Now(), time.Now())) },
		"chmod":                      func(f *fixture) { must(t, os.Chmod(f.path("a.go"), 0o600)) },
		"the same bytes again":       func(f *fixture) { f.write("a.go", "old") },
		"removed and made again":     func(f *fixture) { f.removeAll("a.go"); f.write("a.go", "old") },
		"renamed and back":           func(f *fixture) { f.rename("a.go", "b.go"); f.rename("b.go", "a.go") },
		"a new file that went again": func(f *fixture) { f.write("b.go", "x"); f.removeAll("b.go") },
		"a file that doesn't match":  func(f *fixture) { f.write("a.log", "x"); f.removeAll("a.log") },
		"a directory named as one":   func(f *fixture) { f.mkdir("b.go"); f.write("b.go/c.go", "x") },
		"a lock that leads nowhere":  func(f *fixture) { must(t, os.Symlink("me@host:1", f.path(".#a.go"))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _ := atOnce(t, do)
			f.expectNoMore("")
		})
	}
}

// A changed file may have the same time and size; then only the event shows the change.
func TestEqualTimeAndSizeAreNotTrusted(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{})
	f.write("a.go", "one")
	info, err := os.Stat(f.path("a.go"))
	must(t, err)
	f.set(Files{Dirs: f.paths("")})
	f.write("a.go", "two")
	must(t, os.Chtimes(f.path("a.go"), info.ModTime(), info.ModTime()))
	f.expect("a.go")
}

func TestNewAndRemovedFiles(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{})
	f.write("old.go", "x")
	f.set(Files{Dirs: f.paths(""), Match: isGo})
	f.write("new.go", "x")
	f.write("new.txt", "x")
	f.expect("new.go")
	f.removeAll("old.go")
	f.expect("old.go")
	f.rename("new.go", "newer.go")
	f.expect("new.go", "newer.go")
	f.write("empty.go", "")
	f.expect("empty.go")
	f.expectNoMore("")
}

func TestDirsAreWatchedWithoutSubdirectories(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{})
	f.mkdir("a/b")
	f.mkdir("c")
	f.set(Files{Dirs: f.paths("a", "c")})
	f.write("a/b/x.go", "x")
	f.write("y.go", "x")
	f.expectNoMore("a")
	f.expectNoMore("c")
	if got := f.watches(); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("the kernel watches %q", got)
	}
}

func TestTrees(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{})
	f.mkdir("a/b")
	f.mkdir("a/skip/c")
	f.set(Files{Trees: f.paths("a"), Skip: func(dir string) bool { return filepath.Base(dir) == "skip" }})
	if got := f.watches(); !slices.Equal(got, []string{"a", "a/b"}) {
		t.Errorf("the kernel watches %q", got)
	}
	f.write("a/x", "x")
	f.write("a/b/x", "x")
	f.write("a/skip/x", "x")
	f.write("a/skip/c/x", "x")
	f.mkdir("a/new/skip")
	f.write("a/new/skip/x", "x")
	f.write("a/new/x", "x")
	f.expect("a/x", "a/b/x", "a/new/x")
	f.rename("a/new", "a/renamed")
	f.expect("a/new/x", "a/renamed/x")
	f.write("a/renamed/x", "y")
	f.expect("a/renamed/x")
	f.removeAll("a/renamed")
	f.expect("a/renamed/x")
	f.expectNoMore("a/b")
	waitUntil(t, func() bool { return slices.Equal(f.watches(), []string{"a", "a/b"}) })
}

// A directory is made, filled and moved faster than it can be watched.
func TestTreesOutrunByTheirDirectories(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{})
	f.mkdir("t")
	f.set(Files{Trees: f.paths("t")})
	var want []string
	for i := range 50 {
		dir := fmt.Sprintf("t/%d", i)
		f.mkdir(dir + "/a/b/c")
		f.write(dir+"/a/b/c/x", "x")
		f.mkdir(dir + "/moved")
		f.rename(dir+"/a", dir+"/moved/a")
		want = append(want, dir+"/moved/a/b/c/x")
	}
	seen := map[string]bool{}
	for slices.ContainsFunc(f.paths(want...), func(p string) bool { return !seen[p] }) {
		for _, path := range f.receive().Paths {
			seen[path] = true
		}
	}
	for _, name := range want {
		f.write(name, "changed")
	}
	f.expect(want...)
	f.removeAll("t")
	f.expect(want...)
	waitUntil(t, func() bool { return slices.Equal(f.watches(), []string{"."}) }) // the parent of the missing directory
}

func TestMissingDirectories(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{})
	f.set(Files{Dirs: f.paths("a/b/c"), Trees: f.paths("a/t")})
	if got := f.watches(); !slices.Equal(got, []string{"."}) {
		t.Errorf("the kernel watches %q", got)
	}
	f.mkdir("a/b/c/d")
	f.write("a/b/c/x", "x")
	f.expect("a/b/c/x")
	f.mkdir("a/t/u")
	f.write("a/t/u/x", "x")
	f.expect("a/t/u/x")
	if got := f.watches(); !slices.Equal(got, []string{"a/b/c", "a/t", "a/t/u"}) {
		t.Errorf("the kernel watches %q once they are there", got)
	}

	f.removeAll("a")
	f.expect("a/b/c/x", "a/t/u/x")
	f.mkdir("a/b")
	f.write("a/b/c", "a file in place of the directory")
	f.removeAll("a/b/c")
	f.mkdir("a/b/c")
	f.write("a/b/c/x", "x")
	f.expect("a/b/c/x")
	f.write("a/b/c/x", "y")
	f.expect("a/b/c/x")
	f.expectNoMore("a/b/c")
}

func TestProjectMovedAndMovedBack(t *testing.T) {
	t.Parallel()
	f := watch(t, patient())
	f.mkdir("p/cmd/api")
	f.write("p/go.mod", "x")
	f.write("p/cmd/api/a.go", "x")
	f.write("p/cmd/api/b.go", "x")
	f.set(Files{Dirs: f.paths("p", "p/cmd/api")})
	f.rename("p", "q")
	f.write("q/cmd/api/b.go", "changed while it was away")
	f.rename("q", "p")
	f.expect("p/cmd/api/b.go")

	f.rename("p", "q")
	f.mkdir("p/cmd/api") // and another comes in its place
	f.write("p/go.mod", "x")
	f.write("p/cmd/api/a.go", "other")
	f.write("p/cmd/api/b.go", "changed while it was away")
	f.expect("p/cmd/api/a.go")
	f.write("q/cmd/api/a.go", "not ours any more")
	f.write("p/cmd/api/b.go", "ours")
	f.expect("p/cmd/api/b.go")
	f.expectNoMore("p/cmd/api")
}

// A new directory often gets the inode number of the one that was removed.
func TestDirectoryRemovedAndCreatedAgain(t *testing.T) {
	t.Parallel()
	f := watch(t, patient())
	f.mkdir("a")
	f.write("a/x", "x")
	f.mkdir("t/a")
	f.write("t/a/x", "x")
	f.set(Files{Dirs: f.paths("a"), Trees: f.paths("t")})
	known := "x"
	for _, next := range []string{"1", "2", "3"} {
		for _, dir := range []string{"a", "t/a"} {
			f.removeAll(dir)
			f.mkdir(dir)
			f.write(dir+"/x", known)
		}
		f.expectNoMore("t")
		f.write("a/x", next)
		f.write("t/a/x", next)
		f.expect("a/x", "t/a/x")
		known = next
	}
}

func TestManyFilesAtOnce(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{})
	var names []string
	for i := range 300 {
		names = append(names, fmt.Sprintf("%d/%d.go", i%10, i))
		f.mkdir(fmt.Sprint(i % 10))
		f.write(names[i], "old")
	}
	f.set(Files{Trees: f.paths("")})
	for _, name := range names { // as git does it
		f.removeAll(name)
		f.write(name, "new")
	}
	f.expect(names...)
}

// A log in a watched directory that grows all the time does not delay a batch.
func TestIrrelevantEventsDoNotStarve(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{})
	f.write("a.go", "x")
	f.set(Files{Dirs: f.paths(""), Match: isGo})
	log, err := os.Create(f.path("log"))
	must(t, err)
	defer log.Close()
	stop := make(chan struct{})
	var logging sync.WaitGroup
	defer logging.Wait()
	defer close(stop)
	logging.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				fmt.Fprintln(log, i)
				if i%100 == 0 {
					log.Truncate(0)
				}
			}
		}
	})
	for i := range 5 {
		f.write("a.go", fmt.Sprint("changed ", i))
		f.expect("a.go")
	}
}

func TestSlowReceiverGetsOneBatch(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{})
	f.write("c.go", "old")
	f.set(Files{Dirs: f.paths("")})
	// An offered batch can't be seen without receiving it, so look at the pending changes.
	pending := func(names ...string) {
		t.Helper()
		waitUntil(t, func() bool {
			f.Watcher.mu.Lock()
			defer f.Watcher.mu.Unlock()
			return slices.Equal(f.Watcher.set.pending.batch().Paths, f.paths(names...))
		})
	}
	f.write("a.go", "x")
	pending("a.go")
	f.write("b.go", "x")
	f.write("c.go", "new")
	pending("a.go", "b.go", "c.go")
	f.write("c.go", "old") // as the receiver knows it
	pending("a.go", "b.go")
	if got := f.receive().Paths; !slices.Equal(got, f.paths("a.go", "b.go")) {
		t.Errorf("batch %q", got)
	}
	f.expectNoMore("")
}

func TestSymbolicLinks(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{})
	f.mkdir("real/sub")
	f.mkdir("other")
	f.write("other/x", "other")
	must(t, os.Symlink("real", f.path("link")))
	must(t, os.Symlink("..", f.path("real/sub/loop")))
	must(t, os.Symlink("../other", f.path("real/aside")))
	f.set(Files{Dirs: f.paths("link", "real/aside"), Trees: f.paths("real")})
	f.write("real/x", "x") // one file under two names
	f.expect("real/x", "link/x")
	f.write("real/sub/x", "x")
	f.expect("real/sub/x")
	f.write("other/x", "changed")
	f.expect("real/aside/x")
	if got := len(f.watches()); got != 3 {
		t.Errorf("%d watches for 3 directories: %q", got, f.watches())
	}

	f.set(Files{Dirs: f.paths("link")}) // the other name of its directory leaves
	f.write("real/x", "y")
	f.expect("link/x")
	f.expectNoMore("link")
}

func TestLinkWithANewTarget(t *testing.T) {
	t.Parallel()
	f := watch(t, patient())
	for _, dir := range []string{"one", "two"} {
		f.mkdir(dir)
		f.write(dir+"/x", dir)
		f.write(dir+"/same", "same")
	}
	must(t, os.Symlink("one", f.path("link")))
	f.set(Files{Dirs: f.paths("", "link")})
	must(t, os.Symlink("two", f.path("tmp")))
	f.rename("tmp", "link")
	f.expect("link/x")
	f.write("one/x", "not ours any more")
	f.write("two/x", "ours")
	f.expect("link/x")
	f.expectNoMore("link")
}

func TestSinceTellsNewFromKnown(t *testing.T) {
	t.Parallel()
	f := watch(t, patient())
	since := time.Now().Add(time.Hour) // of all that is known of a file, only the time of its modification can be set
	f.mkdir("a")
	f.mkdir("b")
	for name, age := range map[string]time.Duration{"a/old": time.Minute, "a/young": -time.Second, "b/old": time.Minute, "b/young": -time.Second} {
		f.write(name, "x")
		must(t, os.Chtimes(f.path(name), since, since.Add(-age)))
	}
	must(t, f.Watch(Files{Dirs: f.paths("a")}, since))
	f.expect("a/young")
	must(t, f.Watch(Files{Dirs: f.paths("a", "b")}, since)) // a/young is known by now
	f.expect("b/young")
	f.expectNoMore("a")
}

// A file that is new to the set, and was moved or copied there during the build, has changed, whatever its time is.
func TestNewFilesWithAnOldTime(t *testing.T) {
	t.Parallel()
	old := time.Now().Add(-24 * time.Hour)
	for name, change := range map[string]func(f *fixture){
		"copied with its time": func(f *fixture) {
			f.write("new/x", "new")
			must(f, os.Chtimes(f.path("new/x"), old, old))
		},
		"another one moved over it": func(f *fixture) { f.rename("other/x", "new/x") },
		"written and renamed": func(f *fixture) {
			f.write("new/.x.AbCdEf", "new")
			must(f, os.Chtimes(f.path("new/.x.AbCdEf"), old, old))
			f.rename("new/.x.AbCdEf", "new/x")
		},
		"its folder moved away and another in its place": func(f *fixture) { f.rename("new", "away"); f.rename("other", "new") },
		"a link to another file": func(f *fixture) {
			f.removeAll("new/x")
			must(f, os.Symlink("../other/x", f.path("new/x")))
		},
		"a link to another folder": func(f *fixture) {
			f.rename("new", "away")
			must(f, os.Symlink("other", f.path("new")))
		},
		"the file next to it removed": func(f *fixture) { f.removeAll("new/y") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := watch(t, Options{})
			for _, dir := range []string{"known", "new", "other"} {
				f.mkdir(dir)
				f.write(dir+"/x", dir)
				must(t, os.Chtimes(f.path(dir+"/x"), old, old))
			}
			f.write("new/y", "y")
			f.set(Files{Dirs: f.paths("known")})
			since := f.later()
			change(f)
			must(t, f.Watch(Files{Dirs: f.paths("known", "new"), Match: isNamed("x")}, since))
			f.expect("new/x")
		})
	}
}

// A missing directory is created just before or after the watch of its parent begins: it is made, copied with its
// times, or moved with its files.
func TestMissingTreeIsCreated(t *testing.T) {
	t.Parallel()
	old := time.Now().Add(-24 * time.Hour)
	for name, come := range map[string]func(f *fixture){
		"made": func(f *fixture) { f.mkdir("in/new/sub"); f.write("in/new/sub/x", "x") },
		"copied": func(f *fixture) {
			f.mkdir("in/new/sub")
			f.write("in/new/sub/x", "x")
			must(f, os.Chtimes(f.path("in/new/sub/x"), old, old))
		},
		"moved":            func(f *fixture) { f.rename("out/new", "in/new") },
		"the one above it": func(f *fixture) { f.removeAll("in"); f.rename("out", "in") },
		"linked":           func(f *fixture) { must(f, os.Symlink("../out/new", f.path("in/new"))) },
	} {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprint(name, ", before Watch: ", before), func(t *testing.T) {
				t.Parallel()
				f := watch(t, Options{})
				f.mkdir("in")
				f.mkdir("known")
				f.mkdir("out/new/sub")
				f.write("out/new/sub/x", "x")
				f.set(Files{Dirs: f.paths("known")})
				since := f.later()
				if before {
					come(f)
				}
				must(t, f.Watch(Files{Dirs: f.paths("known", "in"), Trees: f.paths("in/new"), Match: isNamed("x")}, since))
				if !before {
					come(f)
				}
				f.expect("in/new/sub/x")
			})
		}
	}
}

// Unchanged files are not reported, also if other files are created and removed.
func TestNewFilesThatDidNotChange(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{})
	f.mkdir("known")
	f.mkdir("new/sub")
	f.write("new/x", "x")
	f.write("new/sub/x", "x")
	f.set(Files{Dirs: f.paths("known")})
	since := f.later()
	f.write("new/log", "of the program")
	must(t, f.Watch(Files{Dirs: f.paths("known", "new/sub"), Match: isNamed("x")}, since))
	f.expectNoMore("known")
	first := watch(t, Options{})
	first.write("x", "x")
	since = first.later()
	first.write("log", "of the program")
	must(t, first.Watch(Files{Dirs: first.paths(""), Match: isNamed("x")}, since))
	first.expectNoMore("")
}

// isNamed matches one name, and those of sentinels.
func isNamed(name string) func(path string) bool {
	return func(path string) bool { return filepath.Base(path) == name || isGo(path) }
}

// later waits until the times of all existing files are clearly older than now.
func (f *fixture) later() time.Time {
	f.write("clock", "")
	for made := statFile(f.path("clock")); modifiedSince(made.mtime, time.Now()); {
		time.Sleep(time.Millisecond)
	}
	return time.Now()
}

func TestWatchReplaces(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{})
	f.mkdir("a")
	f.mkdir("b")
	f.write("a/x.go", "x")
	f.write("a/x.txt", "x")
	f.set(Files{Dirs: f.paths("a"), Match: isGo})
	f.set(Files{Dirs: f.paths("b")})
	if got := f.watches(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("the kernel watches %q", got)
	}
	f.write("a/x.go", "y")
	f.expectNoMore("b")
	f.set(Files{Dirs: f.paths("a")}) // x.go changed while it was not watched
	f.write("a/x.txt", "y")
	f.expect("a/x.txt")
	f.set(Files{})
	if got := f.watches(); len(got) > 0 {
		t.Errorf("the kernel watches %q at the end", got)
	}
}

// No change is lost, however often the set is replaced with the same set.
func TestWatchLosesNothing(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{})
	f.mkdir("t")
	files := Files{Trees: f.paths("t")}
	f.set(files)
	stop := make(chan struct{})
	var replacing sync.WaitGroup
	replacing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := f.Watch(files, time.Time{}); err != nil {
					t.Error(err)
				}
			}
		}
	})
	var names []string
	for i := range 30 {
		dir := fmt.Sprintf("t/%d", i)
		f.mkdir(dir)
		f.write(dir+"/x", "x")
		names = append(names, dir+"/x")
	}
	f.expect(names...)
	close(stop)
	replacing.Wait()
}

func TestWatchBeforeRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w, err := New(Options{})
	must(t, err)
	must(t, w.Watch(Files{Dirs: []string{dir}}, time.Time{}))
	write(t, filepath.Join(dir, "x"), "x")
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	if b := <-w.Batches(); !slices.Equal(b.Paths, []string{filepath.Join(dir, "x")}) {
		t.Errorf("batch %q", b.Paths)
	}
	cancel()
	must(t, <-ended)
	if _, ok := <-w.Batches(); ok {
		t.Error("a batch after the end")
	}
	if err := w.Watch(Files{}, time.Time{}); err == nil {
		t.Error("Watch after Run is no error")
	}
}

func TestCloseWithoutRun(t *testing.T) {
	t.Parallel()
	for _, poll := range []time.Duration{0, time.Hour} {
		w, err := New(Options{Poll: poll})
		must(t, err)
		must(t, w.Watch(Files{Trees: []string{t.TempDir()}}, time.Time{}))
		must(t, w.Close())
		must(t, w.Close())
		select {
		case <-w.filled:
		default:
			t.Error("a goroutine outlives Close")
		}
		if err := w.Watch(Files{}, time.Time{}); err == nil {
			t.Error("Watch after Close is no error")
		}
	}
}

func TestCloseEndsRun(t *testing.T) {
	t.Parallel()
	w, err := New(Options{})
	must(t, err)
	ended := make(chan error)
	go func() { ended <- w.Run(context.Background()) }()
	must(t, w.Close())
	must(t, <-ended)
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{Settle: -1}); err == nil {
		t.Error("a negative time is no error")
	}
	f := watch(t, Options{})
	for _, files := range []Files{{Dirs: []string{"a/b"}}, {Trees: []string{"a/b"}}} {
		if err := f.Watch(files, time.Time{}); err == nil || !strings.Contains(err.Error(), `"a/b"`) {
			t.Errorf("a relative directory: error %v, want one that names it", err)
		}
	}
}

// waitUntil waits until the condition is true.
func waitUntil(t testing.TB, fact func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !fact(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not so after 10 s")
		}
	}
}

package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hotstart/hotstart/starter"
)

// When a full disk has room again, the file lists the current workers.
func TestAFailedWriteOfTheStatusFileIsRepeated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(dir, "folder", "status")
		os.Mkdir(filepath.Dir(path), 0o755)
		var errs []error
		w, err := NewStatusFile(path, func(err error) { errs = append(errs, err) })
		if err != nil {
			t.Fatal(err)
		}
		w.Update([]starter.Worker{{Generation: 1, PID: 10}})
		os.Rename(filepath.Dir(path), filepath.Dir(path)+".away")
		w.Update([]starter.Worker{{Generation: 2, PID: 20}})
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(errs) != 1 || !errors.Is(errs[0], os.ErrNotExist) {
			t.Errorf("reported %v", errs)
		}
		os.Rename(filepath.Dir(path)+".away", filepath.Dir(path))
		time.Sleep(statusMaxRetry)
		synctest.Wait()
		if got := contents(t, path); got != "2:20\n" {
			t.Errorf("%q", got)
		}
		w.Close()
		if exists(path) {
			t.Error("it was not removed")
		}
	})
}

// The same content in a new file means a failed reload.
func TestAFailedReloadShowsInTheStatusFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "status")
	s, err := NewStatusFile(path, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before, _ := readStatus(path)
	for _, change := range []struct {
		by      func()
		repeats bool
	}{
		{func() { s.ReloadFailed() }, false}, // the first start
		{func() { s.Update([]starter.Worker{{Generation: 1, PID: 10}}) }, false},
		{func() { s.Update([]starter.Worker{{Generation: 1, PID: 10}}) }, false},
		{s.ReloadFailed, true},
		{func() {}, false},
		{s.ReloadFailed, true},
		{func() { s.Update([]starter.Worker{{Generation: 5, PID: 50}}) }, false},
	} {
		change.by()
		now, err := readStatus(path)
		if got := now.repeats(before); got != change.repeats || err != nil {
			t.Errorf("%v after %v repeats it: %v, %v", now.workers, before.workers, got, err)
		}
		before = now
	}
}

func TestAStatusFileThatHangsDelaysUpdatesOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		var written []string
		w := newStatusFile(func(lines string, _ bool) error {
			<-hang
			written = append(written, lines)
			return nil
		}, func() { written = append(written, "removed") }, func(err error) { t.Error(err) })
		go w.run()
		began := time.Now()
		for pid := range 5 {
			w.Update([]starter.Worker{{Generation: 1, PID: 10 + pid}})
		}
		if took := time.Since(began); took != statusWait {
			t.Errorf("took %v", took)
		}
		close(hang)
		synctest.Wait()
		w.Update([]starter.Worker{{Generation: 2, PID: 20}})
		w.Close()
		if len(written) != 4 || written[0] != "1:10\n" || written[1] != "1:14\n" || written[2] != "2:20\n" || written[3] != "removed" {
			t.Errorf("%q", written)
		}
	})
}

// A disk that needs seconds to remove the file does not make Close leave it.
func TestClosingWaitsForTheRemovalOfTheStatusFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		removed := false
		remove := func() {
			time.Sleep(3 * time.Second)
			removed = true
		}
		s := newStatusFile(func(string, bool) error { return nil }, remove, func(err error) { t.Error(err) })
		go s.run()
		s.Close()
		if !removed {
			t.Error("Close left the file")
		}
	})
}

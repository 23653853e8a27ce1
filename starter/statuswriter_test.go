package starter

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// The workers of a full disk's status file are dead when there is room again.
func TestAStatusFileIsWrittenAgainUntilThatSucceeds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(dir, "folder", "status")
		os.Mkdir(filepath.Dir(path), 0o755)
		file, err := newStatusFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var errs []error
		w := newStatusWriter(file, func(err error) { errs = append(errs, err) })
		go w.run()
		w.update([]Worker{{Generation: 1, PID: 10}})
		os.Rename(filepath.Dir(path), filepath.Dir(path)+".away")
		w.update([]Worker{{Generation: 2, PID: 20}})
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
		w.close()
		if exists(path) {
			t.Error("it was not removed")
		}
	})
}

func TestAStatusFileThatHangsHoldsNobodyUpForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		var written []string
		w := newStatusWriter(&statusFile{}, func(err error) { t.Error(err) })
		w.write = func(lines string) error {
			<-hang
			written = append(written, lines)
			return nil
		}
		w.remove = func() { written = append(written, "removed") }
		go w.run()
		began := time.Now()
		for pid := range 5 {
			w.update([]Worker{{Generation: 1, PID: 10 + pid}})
		}
		if took := time.Since(began); took != statusWait {
			t.Errorf("took %v", took)
		}
		close(hang)
		synctest.Wait()
		w.update([]Worker{{Generation: 2, PID: 20}})
		w.close()
		if len(written) != 4 || written[0] != "1:10\n" || written[1] != "1:14\n" || written[2] != "2:20\n" || written[3] != "removed" {
			t.Errorf("%q", written)
		}
	})
}

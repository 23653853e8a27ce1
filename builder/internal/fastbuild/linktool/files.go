package linktool

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Copy copies a file into a new executable file. Where the file system can share the
// blocks of two files, it does: see copy_file_range(2), which io.Copy uses.
func Copy(from, to string) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}

// CheckDisk returns an error if less than this number of bytes can be written to the
// file system of a directory.
func CheckDisk(dir string, need uint64) error {
	available, err := availableDisk(dir)
	if err == nil && available < need {
		err = fmt.Errorf("%s has %d MB of free space, %d MB are needed", dir, available>>20, need>>20)
	}
	return err
}

// CheckMemory returns an error if less than this number of bytes of memory is available.
func CheckMemory(need uint64) error {
	available, err := availableMemory()
	if err == nil && available < need {
		err = fmt.Errorf("%d MB of memory are available, %d MB are needed", available>>20, need>>20)
	}
	return err
}

// Size returns the sum of the sizes of archives.
func Size(archives map[string]string) (bytes uint64) {
	for _, file := range archives {
		if info, err := os.Stat(file); err == nil {
			bytes += uint64(info.Size())
		}
	}
	return bytes
}

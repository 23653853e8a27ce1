package linktool

import (
	"bytes"
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

// Find returns the offsets in a file where a text begins. An empty text is nowhere.
func Find(file, text string) (places []int64, err error) {
	if text == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const chunk = 1 << 20
	buffer := make([]byte, chunk+len(text)-1) // so that a text on the border of two chunks is found
	for from := int64(0); ; from += chunk {
		n, err := f.ReadAt(buffer, from)
		for at := 0; ; at++ {
			i := bytes.Index(buffer[at:n], []byte(text))
			if i < 0 || at+i >= chunk {
				break
			}
			at += i
			places = append(places, from+int64(at))
		}
		if err == io.EOF {
			return places, nil
		}
		if err != nil {
			return nil, err
		}
	}
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

//go:build !linux

package linktool

import "errors"

func availableMemory() (uint64, error) { return 0, errors.ErrUnsupported }

func availableDisk(string) (uint64, error) { return 0, errors.ErrUnsupported }

package boltfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Elsewhere returns why a file is not what is at its path, nil if it is. Here is what its Stat has returned.
func Elsewhere(here fs.FileInfo, path string) error {
	there, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("nothing is at %s", path)
	case err != nil:
		return fmt.Errorf("it cannot be reached: %w", err)
	case !os.SameFile(here, there):
		return fmt.Errorf("another file is at %s", path)
	}
	return nil
}

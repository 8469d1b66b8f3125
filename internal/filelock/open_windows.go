package filelock

import (
	"errors"
	"os"
)

// open makes the file anew. A file that is open cannot be removed on
// Windows, so that fails exactly while another process has it.
func open(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, ErrHeld
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, ErrHeld
	}
	return file, err
}
